locals {
  tier        = split("_", var.settings.sku)[0]
  replication = split("_", var.settings.sku)[1]
}

resource "azurerm_storage_account" "this" {
  name                            = var.name
  resource_group_name             = var.resource_group
  location                        = var.location
  account_kind                    = var.settings.kind
  account_tier                    = local.tier
  account_replication_type        = local.replication
  allow_nested_items_to_be_public = false
  https_traffic_only_enabled      = true
  is_hns_enabled                  = var.settings.hierarchical_namespace
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  tags                            = var.tags

  dynamic "blob_properties" {
    for_each = var.settings.blobs == null ? [] : [var.settings.blobs]

    content {
      versioning_enabled = blob_properties.value.versioning

      delete_retention_policy {
        days                     = blob_properties.value.soft_delete
        permanent_delete_enabled = false
      }

      dynamic "container_delete_retention_policy" {
        for_each = blob_properties.value.container_soft_delete > 0 ? [blob_properties.value.container_soft_delete] : []

        content {
          days = container_delete_retention_policy.value
        }
      }
    }
  }

  share_properties {
    dynamic "retention_policy" {
      for_each = var.settings.share_soft_delete > 0 ? [var.settings.share_soft_delete] : []

      content {
        days = retention_policy.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_data_protection_backup_instance_blob_storage" "this" {
  count = var.backed_up ? 1 : 0

  name               = "${azurerm_storage_account.this.name}-blobs"
  vault_id           = var.backup_vault_id
  location           = var.location
  storage_account_id = azurerm_storage_account.this.id
  backup_policy_id   = var.backup_policy_id
}

resource "azurerm_storage_container" "this" {
  for_each = var.settings.blobs == null ? toset([]) : var.settings.blobs.containers

  name               = each.value
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_storage_share" "this" {
  for_each = var.settings.shares

  name               = each.key
  quota              = each.value
  storage_account_id = azurerm_storage_account.this.id
}
