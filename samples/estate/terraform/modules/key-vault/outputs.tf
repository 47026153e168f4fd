output "uri" {
  description = "The vault's address."
  value       = azurerm_key_vault.this.vault_uri
}
