locals {
  containers = merge([
    for database, containers in var.settings.databases : {
      for name, container in containers : "${database}/${name}" => merge(container, { database = database, name = name })
    }
  ]...)
}

resource "azurerm_cosmosdb_account" "this" {
  name                       = var.name
  resource_group_name        = var.resource_group
  location                   = var.location
  offer_type                 = "Standard"
  kind                       = "GlobalDocumentDB"
  automatic_failover_enabled = true
  tags                       = var.tags

  backup {
    type = "Continuous"
    tier = var.settings.backup_tier
  }

  consistency_policy {
    consistency_level = var.settings.consistency
  }

  dynamic "geo_location" {
    for_each = var.settings.regions

    content {
      location          = geo_location.value.name
      failover_priority = geo_location.key
      zone_redundant    = geo_location.value.zone_redundant
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_cosmosdb_sql_database" "this" {
  for_each = var.settings.databases

  name                = each.key
  resource_group_name = var.resource_group
  account_name        = azurerm_cosmosdb_account.this.name
}

resource "azurerm_cosmosdb_sql_container" "this" {
  for_each = local.containers

  name                = each.value.name
  resource_group_name = var.resource_group
  account_name        = azurerm_cosmosdb_account.this.name
  database_name       = azurerm_cosmosdb_sql_database.this[each.value.database].name
  partition_key_paths = [each.value.partition_key]
}
