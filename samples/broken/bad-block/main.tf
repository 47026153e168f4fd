# One line that is no Terraform, among good ones: the vaults are judged, the report says what was not read.
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

resource "azurerm_key_vault" "good" {
  name                       = "kv-good"
  resource_group_name        = "rg-vaults"
  location                   = "westeurope"
  tenant_id                  = "5c0de5a1-0000-4000-8000-00000000000a"
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
}

resource "azurerm_storage_account" "broken" {
  name                     = "stbroken"
  resource_group_name      = "rg-vaults"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type "ZRS"
}

resource "azurerm_key_vault" "after" {
  name                       = "kv-after"
  resource_group_name        = "rg-vaults"
  location                   = "westeurope"
  tenant_id                  = "5c0de5a1-0000-4000-8000-00000000000a"
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
}
