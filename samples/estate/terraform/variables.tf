variable "accounts" {
  description = "Storage accounts of the platform by workload; `group` is the group each of them is in."
  type = map(object({
    group                  = optional(string, "storage")
    kind                   = optional(string, "StorageV2")
    sku                    = string
    hierarchical_namespace = optional(bool, false)
    share_soft_delete      = number

    blobs = optional(object({
      containers            = optional(set(string), [])
      container_soft_delete = number
      soft_delete           = number
      versioning            = optional(bool, false)
    }))

    shares = optional(map(number), {})
  }))
}

variable "backed_up" {
  description = "Workloads whose blobs Azure Backup protects."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for workload in var.backed_up : contains(keys(var.accounts), workload)])
    error_message = "Only accounts of the platform can be backed up."
  }
}

variable "chat_history" {
  description = "The database account of chat history, agents and user profiles."
  type = object({
    backup_tier = optional(string, "Continuous30Days")
    consistency = optional(string, "Session")

    databases = optional(map(map(object({ partition_key = string }))), {})

    regions = list(object({
      name           = string
      zone_redundant = optional(bool, false)
    }))
  })
}

variable "deploy_sandbox" {
  description = "Whether the trial group is deployed."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Stage of the platform."
  type        = string

  validation {
    condition     = contains(["dev", "test", "prod"], var.environment)
    error_message = "One of dev, test and prod."
  }
}

variable "location" {
  description = "Region of all resources but those that say otherwise."
  type        = string
  default     = "eastus2"
}

variable "project" {
  description = "Short name of the platform, part of every name."
  type        = string
}

variable "subscription_id" {
  description = "Where everything goes."
  type        = string
}

variable "tenant_id" {
  description = "Who may open the vaults."
  type        = string
}

variable "vaults" {
  description = "Key vaults by purpose."
  type = map(object({
    group            = string
    purge_protection = optional(bool)
    retention        = optional(number, 90)
  }))
}
