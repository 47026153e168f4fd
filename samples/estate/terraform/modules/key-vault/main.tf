resource "azurerm_key_vault" "this" {
  name                       = var.name
  resource_group_name        = var.resource_group
  location                   = var.location
  tenant_id                  = var.tenant_id
  sku_name                   = "standard"
  purge_protection_enabled   = var.settings.purge_protection
  rbac_authorization_enabled = true
  soft_delete_retention_days = var.settings.retention
  tags                       = var.tags

  lifecycle {
    prevent_destroy = true
  }
}
