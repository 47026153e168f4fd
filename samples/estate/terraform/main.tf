# The platform's data stores, group by group.

locals {
  groups = setunion(["app", "data", "storage", "ops"], var.deploy_sandbox ? ["sandbox"] : [])

  tags = {
    Environment = var.environment
    IaC         = "Terraform"
    Project     = var.project
  }
}

resource "azurerm_resource_group" "this" {
  for_each = local.groups

  name     = "rg-${var.project}-${each.key}"
  location = var.location
  tags     = merge(local.tags, { Purpose = each.key })
}

# Nothing in this group goes away by accident.
resource "azurerm_management_lock" "data" {
  name       = "do-not-delete"
  scope      = azurerm_resource_group.this["data"].id
  lock_level = "CanNotDelete"
  notes      = "Chat history and the data lake."
}

module "chat_history" {
  source = "./modules/cosmosdb-account"

  name           = join("-", ["cosmos", var.project, var.environment])
  resource_group = azurerm_resource_group.this["data"].name
  location       = var.location
  settings       = var.chat_history
  tags           = local.tags
}

module "account" {
  source   = "./modules/storage-account"
  for_each = var.accounts

  name           = substr(lower(replace("st${var.project}${each.key}", "-", "")), 0, 24)
  resource_group = azurerm_resource_group.this[each.value.group].name
  location       = var.location
  settings       = each.value
  tags           = merge(local.tags, { Workload = each.key })

  backed_up        = contains(var.backed_up, each.key)
  backup_policy_id = azurerm_data_protection_backup_policy_blob_storage.daily.id
  backup_vault_id  = azurerm_data_protection_backup_vault.this.id
}

module "vault" {
  source   = "./modules/key-vault"
  for_each = var.vaults

  name           = format("kv-%s-%s", var.project, each.key)
  resource_group = azurerm_resource_group.this[each.value.group].name
  location       = var.location
  tenant_id      = var.tenant_id
  settings       = each.value
  tags           = local.tags
}

# Old versions of logs go soon.
resource "azurerm_storage_management_policy" "logs" {
  storage_account_id = module.account["logs"].id

  rule {
    name    = "trim"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = 3
      }
    }
  }
}

resource "azurerm_app_configuration" "platform" {
  name                       = "appconfig-${var.project}"
  resource_group_name        = azurerm_resource_group.this["app"].name
  location                   = var.location
  sku                        = "standard"
  local_auth_enabled         = false
  purge_protection_enabled   = false
  soft_delete_retention_days = 7
  tags                       = local.tags

  lifecycle {
    prevent_destroy = true
  }
}
