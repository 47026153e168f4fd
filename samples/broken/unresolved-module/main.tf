# A module of a registry that nobody has, which is given the account: what it may set there is not known.
terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

module "policy" {
  source  = "example/lifecycle-policy/azurerm"
  version = "1.2.0"

  storage_account_id = azurerm_storage_account.data.id
}

resource "azurerm_storage_account" "data" {
  name                     = "stunresolved"
  resource_group_name      = "rg-data"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type = "ZRS"

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }
}
