"""Makes the JSON of plans, as `terraform show -json` writes it, from as little as a test has to say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from auditor.model import Gap, Scope
from auditor.sources.terraform.document import Document
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.plan import Plan, Surroundings

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "terraform"
AZURERM = "registry.terraform.io/hashicorp/azurerm"


def constant(value: Any) -> dict[str, Any]:
    return {"constant_value": value}


def refers(*names: str) -> dict[str, Any]:
    """An expression; of each name its beginnings are listed behind it, as Terraform does."""
    listed: list[str] = []
    for name in names:
        listed.append(name)
        steps = re.findall(r'[^.\[\]"]+|\[(?:"[^"]*"|\d+)\]', name)
        least = 3 if name.startswith("data.") else 2
        while len(steps) > least:
            steps.pop()
            listed.append("".join(s if s.startswith("[") else f".{s}" for s in steps).lstrip("."))
    return {"references": listed}


class PlanJson:
    """A plan under construction."""

    def __init__(self, provider: dict[str, Any] | None = None, **members: Any) -> None:
        self.changes: list[dict[str, Any]] = []
        self.relevant: list[dict[str, Any]] = []
        config = {"name": "azurerm", "full_name": AZURERM, "expressions": {"features": [{}]}, **(provider or {})}
        self.root: dict[str, Any] = {"resources": []}
        self.configuration: dict[str, Any] = {"provider_config": {"azurerm": config}, "root_module": self.root}
        self.members: dict[str, Any] = {"format_version": "1.2", "terraform_version": "1.11.4", **members}

    def module(self, path: str, **call: Any) -> PlanJson:
        """A module call at `a.b`, with its `expressions`, `for_each_expression` and the module's `outputs`."""
        *above, name = path.split(".")
        inside: dict[str, Any] = {"resources": []}
        if "outputs" in call:
            inside["outputs"] = {key: {"expression": value} for key, value in call.pop("outputs").items()}
        self._module(above).setdefault("module_calls", {})[name] = {"source": f"./{name}", "module": inside, **call}
        return self

    def _module(self, names: list[str]) -> dict[str, Any]:
        module = self.root
        for name in names:
            module = module["module_calls"][name]["module"]
        return module

    def add(
        self,
        address: str,
        after: Any = None,
        *,
        unknown: Any = None,
        sensitive: Any = None,
        written: dict[str, Any] | None = None,
        actions: tuple[str, ...] = ("create",),
        before: Any = None,
        mode: str = "managed",
        repeated: dict[str, Any] | None = None,
        **more: Any,
    ) -> PlanJson:
        """A change, and what is `written` for its resource unless that is None."""
        modules = re.findall(r"module\.([\w-]+)", address)
        bare = re.sub(r"(?:module\.[\w-]+(?:\[[^\]]*\])?\.)+", "", address)
        found = re.fullmatch(r"(?:data\.)?(\w+)\.([\w-]+)(?:\[(.*)\])?", bare)
        assert found is not None, address
        kind, name, index = found.groups()
        change = {
            "actions": list(actions),
            "before": before,
            "after": after,
            "after_unknown": unknown or {},
            "before_sensitive": more.pop("before_sensitive", {}),
            "after_sensitive": {} if sensitive is None else sensitive,
        }
        for key in ("replace_paths", "importing"):
            if key in more:
                change[key] = more.pop(key)
        entry = {
            "address": address,
            "mode": mode,
            "type": kind,
            "name": name,
            "provider_name": AZURERM,
            "change": change,
        }
        if modules:
            entry["module_address"] = address[: address.index(bare) - 1]
        if index is not None:
            entry["index"] = json.loads(index)
        self.changes.append({**entry, **more})
        resources = self._module(modules)["resources"] if written is not None else []
        short = ("data." if mode == "data" else "") + f"{kind}.{name}"
        if written is not None and all(one["address"] != short for one in resources):
            one = {"address": short, "mode": mode, "type": kind, "name": name, "provider_config_key": "azurerm"}
            resources.append({**one, "expressions": written, **({"for_each_expression": repeated} if repeated else {})})
        return self

    def rests_on(self, resource: str, *attribute: str) -> PlanJson:
        """An entry of `relevant_attributes`."""
        self.relevant.append({"resource": resource, "attribute": list(attribute)})
        return self

    def tree(self) -> dict[str, Any]:
        made = {
            **self.members,
            "resource_changes": self.changes,
            "configuration": self.configuration,
            "relevant_attributes": self.relevant,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def text(self) -> str:
        return json.dumps(self.tree())

    def read(self, around: Surroundings | None = None) -> list[Instance | Gap | Scope]:
        return read(self.text(), around)

    def instances(self, around: Surroundings | None = None) -> dict[str, Instance]:
        """The instances by address; there is nothing else."""
        found = self.read(around)
        assert all(isinstance(one, Instance) for one in found), found
        return {one.address: one for one in found if isinstance(one, Instance)}


def read(text: str, around: Surroundings | None = None) -> list[Instance | Gap | Scope]:
    return list(Plan(Document(text), "plan.json", around or Surroundings()).instances())
