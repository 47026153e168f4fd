variable "location" {
  description = "Region of the vault."
  type        = string
}

variable "name" {
  description = "Name of the vault."
  type        = string
}

variable "resource_group" {
  description = "Name of the vault's group."
  type        = string
}

variable "settings" {
  description = "What is chosen for the vault. Purge protection cannot be switched off again: leave it out rather than say false."
  type = object({
    purge_protection = optional(bool)
    retention        = optional(number, 90)
  })
}

variable "tags" {
  description = "Tags of the vault."
  type        = map(string)
  default     = {}
}

variable "tenant_id" {
  description = "Who may open the vault."
  type        = string
}
