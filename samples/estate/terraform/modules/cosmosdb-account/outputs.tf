output "endpoint" {
  description = "The account's address."
  value       = azurerm_cosmosdb_account.this.endpoint
}
