"""What each tool puts into its SQL before the engine gets it, as its documentation describes it."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2
import yaml

from binaries import ROOT
from bluetick_sql.statements import Settings

GRAFANA = "integrations/grafana/dashboard.json"
METABASE = "integrations/metabase/dashboard.json"
QUICKSIGHT = "infra/quicksight.yaml"
SUPERSET = "integrations/superset/bluetick"


def grafana(files: dict[str, str], first: str, last: str, settings: Settings) -> dict[str, str]:
    """Title of a panel -> SQL. The time picker's range is from midnight to the last second of a day, in UTC."""
    values = {
        "database": settings.database,
        "timezone": settings.timezone,
        "attribution_hours": str(settings.attribution_hours),
        "first_day": settings.first_day,
        "account_id:sqlstring": "''",
        "phone_number_id:sqlstring": "''",
    }

    def sql(text: str) -> str:
        text = re.sub(r"\$\{([\w:]+)\}", lambda match: values[match.group(1)], text)
        text = re.sub(r"\$__timeFrom\b", f"TIMESTAMP '{first} 00:00:00'", text)
        return re.sub(r"\$__timeTo\b", f"TIMESTAMP '{last} 23:59:59'", text)

    return {panel["title"]: sql(panel["targets"][0]["rawSQL"]) for panel in json.loads(files[GRAFANA])["panels"]}


def metabase(files: dict[str, str], first: str, last: str, _settings: Settings) -> dict[str, str]:
    """Name of a question -> SQL. The days are set, the other filters are empty: Metabase leaves out their [[…]]."""
    values = {"from": f"date '{first}'", "to": f"date '{last}'"}

    def optional(match: re.Match[str]) -> str:
        (name,) = re.findall(r"\{\{(\w+)\}\}", match.group(1))
        return match.group(1).replace(f"{{{{{name}}}}}", values[name]) if name in values else ""

    return {
        question["name"]: re.sub(r"\[\[(.*?)\]\]", optional, question["sql"])
        for question in json.loads(files[METABASE])["questions"]
    }


class _Days:
    """Superset's TimeFilter: the second time is no longer part of the range."""

    def __init__(self, first: str, end: str) -> None:
        self.from_expr, self.to_expr = first, end


def superset(files: dict[str, str], first: str, last: str, _settings: Settings) -> dict[str, str]:
    """Name of a data set -> SQL."""
    days = _Days(f"{first} 00:00:00", f"{last} 23:59:59")
    found: dict[str, str] = {}
    for path, text in files.items():
        if path.startswith(f"{SUPERSET}/datasets/"):
            data_set = yaml.safe_load(text)
            template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(data_set["sql"])
            found[data_set["table_name"]] = template.render(get_time_filter=lambda **_options: days)
    return found


def quicksight(files: dict[str, str], first: str, last: str, settings: Settings) -> dict[str, str]:
    """Name of a data set -> SQL, as CloudFormation fills it in; `last` stands for the day of the refresh."""
    parameters = {
        "DatabaseName": settings.database,
        "TimeZone": settings.timezone,
        "AttributionHours": str(settings.attribution_hours),
        "FirstDay": settings.first_day,
    }
    found: dict[str, str] = {}
    for resource in data_sets(files).values():
        for table in resource["Properties"]["PhysicalTableMap"].values():
            text = table["CustomSql"]["SqlQuery"]["Fn::Sub"]
            text = text.replace("date_add('day', -${Days}, current_date)", f"date('{first}')")
            text = text.replace("current_date", f"date('{last}')")
            text = re.sub(r"\$\{(\w+)\}", lambda match: parameters[match.group(1)], text)
            found[table["CustomSql"]["Name"]] = text
    return found


def data_sets(files: dict[str, str]) -> dict[str, Any]:
    """The data sets of QuickSight's template by their logical name."""
    resources = yaml.safe_load(files[QUICKSIGHT])["Resources"]
    return {name: resource for name, resource in resources.items() if resource["Type"] == "AWS::QuickSight::DataSet"}


def stored_files() -> dict[str, str]:
    """The generated files as the repository stores them."""
    places = ["integrations", "infra"]
    paths = [path for place in places for path in (ROOT / place).rglob("*") if path.is_file()]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths if path.suffix != ".pyc"}
