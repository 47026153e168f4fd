output "id" {
  description = "The account's id."
  value       = azurerm_storage_account.this.id
}

output "name" {
  description = "The account's name."
  value       = azurerm_storage_account.this.name
}
