"""The Terraform source: plans, states and configurations, as records in ARM's shape."""
