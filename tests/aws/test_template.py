"""The template without an account: linters, the security scan, and the mistakes that neither of them sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from samtranslator.translator.transform import transform

import template_rules
from binaries import binary
from emulator import ROOT, SCHEDULED_TASKS, TABLES, TEMPLATE, load_stack, load_template

ENVIRONMENT = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}


def tool(name: str) -> str:
    path = shutil.which(name)
    assert path, f"{name} is not on the PATH: `make .venv/ready .venv-tools/ready` installs it"
    return path


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def converted() -> dict:
    """The plain CloudFormation that SAM makes of the packaged template."""

    class NoManagedPolicies:
        def load(self) -> dict:
            return {}

    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    template = load_template()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
        if resource["Type"] == "AWS::CloudFormation::Stack":
            resource["Properties"]["TemplateURL"] = "https://bucket.s3.amazonaws.com/key"
    return transform(template, {}, NoManagedPolicies())


def test_cfn_lint_finds_nothing_in_the_source() -> None:
    result = run(tool("cfn-lint"), str(TEMPLATE), str(TABLES), str(SCHEDULED_TASKS))
    assert (result.returncode, result.stdout) == (0, "")


def test_cfn_lint_finds_nothing_in_the_converted_template(tmp_path: Path) -> None:
    path = tmp_path / "converted.json"
    path.write_text(json.dumps(converted(), indent=1))
    result = run(tool("cfn-lint"), str(path))
    assert (result.returncode, result.stdout) == (0, "")


def test_sam_validates() -> None:
    result = run(tool("sam"), "validate", "--lint", "--template-file", str(TEMPLATE))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "is a valid SAM Template" in result.stdout


def scan(path: Path) -> set[tuple[str, str]]:
    result = run(tool("checkov"), "--skip-download", "--compact", "--output", "json", "--file", str(path))
    checks = json.loads(result.stdout)["results"]["failed_checks"]
    return {(check["check_id"], check["resource"].rsplit(".", 1)[1]) for check in checks}


def waived() -> set[tuple[str, str]]:
    waivers = yaml.safe_load((ROOT / "infra" / "security_waivers.yaml").read_text())
    assert all(len(waiver["reason"]) > 40 for waiver in waivers), "a waiver needs its reason"
    return {(waiver["check"], resource) for waiver in waivers for resource in waiver["resources"]}


def test_every_finding_of_the_security_scan_is_explained() -> None:
    found = scan(TEMPLATE) | scan(SCHEDULED_TASKS)
    assert found - waived() == set(), "findings without an explanation"
    assert waived() - found == set(), "explanations without a finding"


def test_the_security_scan_sees_an_open_bucket(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(TEMPLATE.read_text().replace("BlockPublicPolicy: true", "BlockPublicPolicy: false"))
    buckets = ("RawBucket", "LakeBucket", "ResultBucket", "ArchiveBucket")
    assert scan(path) - waived() == {("CKV_AWS_54", bucket) for bucket in buckets}


def test_tables_and_queries_are_those_of_the_code() -> None:
    result = run("python3", "infra/generate.py", "--check")
    assert result.returncode == 0, result.stderr


def test_the_check_of_tables_and_queries_can_fail(tmp_path: Path) -> None:
    schemas = json.loads((ROOT / "sql" / "schema.json").read_text())
    schemas[0]["columns"][0]["type"] = "bigint"
    path = tmp_path / "schemas.json"
    path.write_text(json.dumps(schemas))
    result = run("python3", "infra/generate.py", "--check", "--schema", str(path))
    assert result.returncode == 1 and "out of date" in result.stderr


def test_what_linters_do_not_see() -> None:
    assert template_rules.problems(load_stack()) == []


def resource(name: str) -> Callable[[dict], dict]:
    return lambda template: template["Resources"][name]["Properties"]


def change(name: str, path: str, value: object) -> Callable[[dict], None]:
    """Sets, or with `...` deletes, what the dotted path names in a resource's properties."""

    def apply(template: dict) -> None:
        place = resource(name)(template)
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        for part in parents:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return apply


def policy(name: str, attribute: str, value: str) -> Callable[[dict], None]:
    """Sets an attribute beside the properties of a resource."""

    def apply(template: dict) -> None:
        template["Resources"][name][attribute] = value

    return apply


def build_metadata(name: str, key: str) -> Callable[[dict], None]:
    """Deletes a build property of a function."""

    def apply(template: dict) -> None:
        del template["Resources"][name]["Metadata"]["BuildProperties"][key]

    return apply


REPLICATION = "ReplicationConfiguration/Fn::If/1"
FIREHOSE = "ExtendedS3DestinationConfiguration"
MISTAKES = {
    "projection of a wrong type": change("ClicksTable", "TableInput/Parameters/projection.dt.type", "string"),
    "projection that ends too early": change(
        "ClicksTable", "TableInput/Parameters/projection.dt.range", "2024-01-01,NOW"
    ),
    "lines that were rejected as a table": change(
        "RejectionsTable", "TableInput/StorageDescriptor/Location", "s3://lake/rejected/"
    ),
    "metrics in a namespace without alarms": change(
        "TransformFunction", "Environment/Variables/METRICS_NAMESPACE", "Bluetick"
    ),
    "table that lists Parquet": change("ClicksTable", "TableInput/StorageDescriptor/InputFormat", "parquet"),
    "Firehose pattern that is invalid": change("DeliveryStream", f"{FIREHOSE}/Prefix", "raw/!{timestamp:yyyy/QQ}/"),
    "Firehose pattern without an end": change("DeliveryStream", f"{FIREHOSE}/Prefix", "raw/!{timestamp:yyyy/"),
    "Firehose without error prefix": change("DeliveryStream", f"{FIREHOSE}/ErrorOutputPrefix", ...),
    "Firehose's errors among raw objects": change(
        "DeliveryStream", f"{FIREHOSE}/ErrorOutputPrefix", "raw/!{firehose:error-output-type}/"
    ),
    "raw objects that nobody is told of": change("DeliveryStream", f"{FIREHOSE}/Prefix", "data/!{timestamp:yyyy}/"),
    "a spill that nobody is told of": change(
        "IngestFunction", "Environment/Variables/SPILL_URL", {"Fn::Sub": "s3://${RawBucket}/spill"}
    ),
    "visibility below six timeouts": change("TransformFunction", "Timeout", 121),
    "dead letters that go first": change("DeadLetterQueue", "MessageRetentionPeriod", 3600),
    "few tries": change("Queue", "RedrivePolicy/maxReceiveCount", 1),
    "no partial batch answers": change("TransformFunction", "Events/RawObjects/Properties/FunctionResponseTypes", []),
    "open bucket": change("LakeBucket", "PublicAccessBlockConfiguration/BlockPublicPolicy", False),
    "bucket without TLS": change("RawBucketPolicy", "PolicyDocument/Statement", []),
    "unconditional manifests": change("LakeBucketPolicy", "PolicyDocument/Statement/1/Effect", "Allow"),
    "manifests that only If-Match may write": change(
        "LakeBucketPolicy", "PolicyDocument/Statement/1/Condition", {"Null": {"s3:if-match": True}}
    ),
    "data that only conditional writes may write": change(
        "LakeBucketPolicy", "PolicyDocument/Statement/1/Resource", {"Fn::Sub": "${LakeBucket.Arn}/*"}
    ),
    "lake without versions": change("LakeBucket", "VersioningConfiguration/Status", "Suspended"),
    "versions for ever": change("LakeBucket", "LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration", ...),
    "lake that expires": change("LakeBucket", "LifecycleConfiguration/Rules/0/ExpirationInDays", 30),
    "raw objects for ever": change("RawBucket", "LifecycleConfiguration/Rules/0/ExpirationInDays", ...),
    "bodies for ever": change("ArchiveBucket", "LifecycleConfiguration/Rules/0/ExpirationInDays", ...),
    "bodies with the retention of raw objects": change(
        "ArchiveBucket", "LifecycleConfiguration/Rules/0/ExpirationInDays", {"Ref": "RawRetentionDays"}
    ),
    "bodies that stay after the archive was switched off": change(
        "ArchiveBucket", "LifecycleConfiguration/Rules/0/ExpirationInDays", {"Ref": "ArchiveDays"}
    ),
    "bodies with the key of everything else": change(
        "ArchiveBucket",
        "BucketEncryption/ServerSideEncryptionConfiguration/0/Fn::If/1/ServerSideEncryptionByDefault/KMSMasterKeyID",
        {"Ref": "KmsKeyArn"},
    ),
    "an archive among the raw objects": change(
        "ArchiveStream", f"{FIREHOSE}/BucketARN", {"Fn::GetAtt": ["RawBucket", "Arn"]}
    ),
    "an archive that is on by default": change(
        "IngestFunction", "Environment/Variables/ARCHIVE_URL", {"Fn::Sub": "firehose://${ArchiveStream}"}
    ),
    "versions of bodies": change("ArchiveBucket", "VersioningConfiguration", {"Status": "Enabled"}),
    "analyst who reads bodies": change(
        "AnalystPolicy", "PolicyDocument/Statement/7/Resource", {"Fn::Sub": "${ArchiveBucket.Arn}/*"}
    ),
    "no alarm on bodies that were not archived": change("ArchiveAlarm", "MetricName", "Refused"),
    "a replica that keeps erased people": change(
        "LakeBucket", f"{REPLICATION}/Rules/0/DeleteMarkerReplication/Status", "Disabled"
    ),
    "a standby that sweeps": change("SweepFunction", "Events/Hourly/Properties/State", ...),
    "a replica without manifests": change("LakeBucket", f"{REPLICATION}/Rules/0/Filter", {"Prefix": "data/"}),
    "a replica without a recovery point": change(
        "LakeBucket", f"{REPLICATION}/Rules/0/Destination/ReplicationTime", ...
    ),
    "a replica for everyone": change("LakeBucket", "ReplicationConfiguration", {"Role": "r", "Rules": []}),
    "replication that reads every bucket": change(
        "ReplicationRole", "Policies/0/PolicyDocument/Statement/1/Resource", {"Fn::Sub": "${RawBucket.Arn}/*"}
    ),
    "no alarm on what was not replicated": change("ReplicaAlarm", "MetricName", "BytesPendingReplication"),
    "secret in a variable": change("IngestFunction", "Environment/Variables/META_APP_SECRETS", "hidden"),
    "text logs": change("SweepFunction", "LoggingConfig/LogFormat", "Text"),
    "metrics lost with the log level": change("IngestFunction", "LoggingConfig/ApplicationLogLevel", "WARN"),
    "shared role": change("SweepFunction", "Role", {"Fn::GetAtt": ["TransformRole", "Arn"]}),
    "everything allowed": change("SweepRole", "Policies/0/PolicyDocument/Statement/0/Action", "s3:*"),
    "everywhere allowed": change("SweepRole", "Policies/0/PolicyDocument/Statement/0/Resource", "*"),
    "query string in the access log": change(
        "HttpApiStage",
        "AccessLogSettings/Format",
        '{"requestId":"$context.requestId","path":"$context.path?$request.querystring"}',
    ),
    "no throttle": change("HttpApiStage", "DefaultRouteSettings/ThrottlingRateLimit", ...),
    "alarm on a metric that no code writes": change("RejectedAlarm", "MetricName", "Reject"),
    "alarm on dimensions that no code writes": change("RejectedAlarm", "Dimensions", []),
    "alarm on the dimension of one provider": change(
        "SpillAlarm", "Dimensions", [{"Name": "Provider", "Value": "meta"}]
    ),
    "operator's secret filled by the template": change("WebhookSecret", "SecretString", "{}"),
    "secrets generated beside the verify token": change(
        "VerifyTokenSecret", "GenerateSecretString/SecretStringTemplate", '{"PSEUDONYM_KEY":""}'
    ),
    "queue that forgets after four days": change("Queue", "MessageRetentionPeriod", 345_600),
    "dead letters from any queue": change("DeadLetterQueue", "RedriveAllowPolicy", ...),
    "role without boundary": change("SweepRole", "PermissionsBoundary", ...),
    "build that may change Cargo.lock": build_metadata("IngestFunction", "cargo_lambda_flags"),
    "analyst who cannot list workgroups": change(
        "AnalystPolicy", "PolicyDocument/Statement/1/Action", "athena:ListDataCatalogs"
    ),
    "analyst without the default database": change(
        "AnalystPolicy", "PolicyDocument/Statement/4/Resource", "arn:of-another"
    ),
    "analyst who lists erasures": change("AnalystPolicy", "PolicyDocument/Statement/6/Condition", ...),
    "bucket that blocks the next deployment": policy("RawBucket", "DeletionPolicy", "Retain"),
    "secret that blocks the next deployment": policy("WebhookSecret", "DeletionPolicy", "Retain"),
    "bucket that goes with the stack": policy("LakeBucket", "DeletionPolicy", "Delete"),
    "no alarm on 4xx": change("RejectedRequestAlarm", "MetricName", "Rejected"),
    "silence of a provider under a dimension that no code writes": change(
        "MetaSilenceAlarm", "Dimensions", [{"Name": "Source", "Value": "meta"}]
    ),
    "no alarm on failed objects": change("ObjectsFailedAlarm", "MetricName", "Rejected"),
    "no alarm on doubtful receipts": change("DoubtfulReceiptsAlarm", "MetricName", "Refused"),
    "alarm on the doubtful receipts of one provider": change(
        "DoubtfulReceiptsAlarm", "Dimensions", [{"Name": "Provider", "Value": "meta"}]
    ),
    "no alarm on deferred look-ups": change("LookupsDeferredAlarm", "MetricName", "Rejected"),
    "key of erasures in a variable": change("SweepFunction", "Environment/Variables/ERASURE_KEY", "hidden"),
    "alarm without a topic": change("DeadLetterAlarm", "AlarmActions", []),
    "dashboard that is not JSON": change("Dashboard", "DashboardBody", {"Fn::Sub": '{"widgets": [}'}),
    "dashboard that shows nothing": change("Dashboard", "DashboardBody", {"Fn::Sub": '{"widgets": []}'}),
    "uncompressed raw objects": change("DeliveryStream", f"{FIREHOSE}/CompressionFormat", "UNCOMPRESSED"),
    "crate instead of workspace": change("IngestFunction", "CodeUri", "../crates/ingest"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_seen(name: str) -> None:
    template = load_stack()
    MISTAKES[name](template)
    assert template_rules.problems(template) != []


def providers() -> dict:
    """What the code registers: providers with their routes and secrets."""
    command = [str(binary("bluetick")), "providers", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def reaches(key: str, method: str, path: str) -> bool:
    """Whether a route key of API Gateway covers a request."""
    verb, _, pattern = key.partition(" ")
    greedy = re.escape(pattern).replace(re.escape("{proxy+}"), ".+")
    return verb in ("ANY", method) and re.fullmatch(greedy, path) is not None


def test_every_route_of_the_code_reaches_the_function_with_and_without_its_last_slash() -> None:
    keys = [
        item["Properties"]["RouteKey"]
        for item in load_template()["Resources"].values()
        if item["Type"] == "AWS::ApiGatewayV2::Route"
    ]
    routes = [(route["method"], route["path"]) for provider in providers()["providers"] for route in provider["routes"]]
    routes += [("POST", "/api/woosh/webhook")]
    assert len(routes) > 5
    unreachable = [
        (method, path)
        for method, path in routes
        for spelling in (path, f"{path}/")
        if not any(reaches(key, method, spelling) for key in keys)
    ]
    assert unreachable == []
    assert not any(reaches(key, "GET", "/elsewhere") for key in keys)


# What stores data or messages, and where it names its key.
ENCRYPTED = {
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
}


def test_whatever_is_stored_takes_the_operators_key() -> None:
    resources = load_template()["Resources"]
    stored = {name: item for name, item in resources.items() if item["Type"] in ENCRYPTED}
    assert len(stored) > 8
    without = [
        name
        for name, item in stored.items()
        if "KmsKeyArn" not in json.dumps(item["Properties"].get(ENCRYPTED[item["Type"]]))
    ]
    assert without == []


def test_silence_of_every_provider_can_be_watched() -> None:
    resources = load_template()["Resources"]
    watched = {
        item["Properties"]["Dimensions"][0]["Value"]
        for name, item in resources.items()
        if name.endswith("SilenceAlarm") and item["Properties"]["MetricName"] == "Accepted" and name != "SilenceAlarm"
    }
    assert watched == {provider["name"] for provider in providers()["providers"]}


def test_the_operations_page_names_every_secret() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in providers()["secrets"] if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("kind", ["Alarm", "Parameter"])
def test_the_operations_page_explains(kind: str) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    template = load_template()
    names = (
        list(template["Parameters"])
        if kind == "Parameter"
        else [name for name, item in template["Resources"].items() if item["Type"] == "AWS::CloudWatch::Alarm"]
    )
    missing = [name for name in names if not re.search(rf"^\| `{name}` \|", page, flags=re.M)]
    assert missing == []
