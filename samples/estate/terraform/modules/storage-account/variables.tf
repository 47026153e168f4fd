variable "backed_up" {
  description = "Whether Azure Backup protects the account's blobs."
  type        = bool
  default     = false
}

variable "backup_policy_id" {
  description = "How often they are copied, and how long copies are kept."
  type        = string
  default     = null
}

variable "backup_vault_id" {
  description = "Where the account is enrolled."
  type        = string
  default     = null
}

variable "location" {
  description = "Region of the account."
  type        = string
}

variable "name" {
  description = "Name of the account."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", var.name))
    error_message = "3 to 24 lower case letters and digits."
  }
}

variable "resource_group" {
  description = "Name of the account's group."
  type        = string
}

variable "settings" {
  description = "What is chosen for the account; 0 days switch a retention off."
  type = object({
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
  })
}

variable "tags" {
  description = "Tags of the account."
  type        = map(string)
  default     = {}
}
