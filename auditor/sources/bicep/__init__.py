"""The Bicep front end: text → syntax → the intermediate form ARM JSON is lowered to as well."""
