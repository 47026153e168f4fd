environment     = "prod"
project         = "fllm"
subscription_id = "5c0de5a1-0000-4000-8000-0000000000f1"
tenant_id       = "5c0de5a1-0000-4000-8000-00000000000a"

accounts = {
  datalake = {
    group                  = "data"
    sku                    = "Standard_GRS"
    hierarchical_namespace = true
    share_soft_delete      = 7

    blobs = {
      container_soft_delete = 30
      soft_delete           = 30
    }
  }

  logs = {
    group             = "ops"
    sku               = "Standard_ZRS"
    share_soft_delete = 0

    blobs = {
      container_soft_delete = 0
      soft_delete           = 7
    }
  }

  prompts = {
    sku               = "Standard_LRS"
    share_soft_delete = 7

    blobs = {
      containers            = ["agents", "prompts"]
      container_soft_delete = 30
      soft_delete           = 30
      versioning            = true
    }
  }

  shares = {
    kind              = "FileStorage"
    sku               = "Premium_ZRS"
    share_soft_delete = 14
    shares            = { models = 100 }
  }

  vectors = {
    sku               = "Standard_RAGZRS"
    share_soft_delete = 7

    blobs = {
      containers            = ["vectors"]
      container_soft_delete = 30
      soft_delete           = 30
      versioning            = true
    }
  }
}

backed_up = ["prompts"]

chat_history = {
  databases = {
    database      = { sessions = { partition_key = "/sessionId" } }
    user-profiles = { user-profiles = { partition_key = "/upn" } }
  }

  regions = [{ name = "East US 2" }]
}

vaults = {
  auth = {
    group            = "app"
    purge_protection = true
    retention        = 7
  }

  ops = {
    group = "ops"
  }
}
