variable "location" {
  description = "Region of the account's metadata."
  type        = string
}

variable "name" {
  description = "Name of the account."
  type        = string
}

variable "resource_group" {
  description = "Name of the account's group."
  type        = string
}

variable "settings" {
  description = "What is chosen for the account, with the containers of each of its databases."
  type = object({
    backup_tier = string
    consistency = string
    databases   = map(map(object({ partition_key = string })))

    regions = list(object({
      name           = string
      zone_redundant = bool
    }))
  })
}

variable "tags" {
  description = "Tags of the account."
  type        = map(string)
  default     = {}
}
