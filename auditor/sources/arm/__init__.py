"""ARM templates: one evaluator for what JSON and Bicep are lowered to, and the JSON front end."""
