output "accounts" {
  description = "Names of the storage accounts by workload."
  value       = { for workload, account in module.account : workload => account.name }
}

output "cosmosdb_endpoint" {
  description = "Where chat history is."
  value       = module.chat_history.endpoint
}

output "vaults" {
  description = "Addresses of the key vaults by purpose."
  value       = { for purpose, vault in module.vault : purpose => vault.uri }
}
