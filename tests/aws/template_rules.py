"""Rules of the template that linters do not check. Each yields one sentence for each problem."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator

from emulator import ROOT

# Patterns of Java's DateTimeFormatter that are useful in a prefix, in lengths that print digits only.
TIMESTAMP_PATTERN = re.compile(r"(yyyy|MM|dd|HH|mm|ss|[-_/=])+")
SECRET_NAMES = re.compile(r"SECRET|TOKEN|PASSWORD|_KEY$")
PROJECTION = {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": "${FirstDay},NOW+1DAYS",
    "projection.dt.interval": "1",
    "projection.dt.interval.unit": "DAYS",
}


def problems(template: dict) -> list[str]:
    return [problem for rule in RULES for problem in rule(template["Resources"])]


def of_type(resources: dict, kind: str) -> Iterator[tuple[str, dict]]:
    return ((name, item["Properties"]) for name, item in resources.items() if item["Type"] == kind)


def text(value: object) -> str:
    """The value with its references written as in the source: `${Name}`."""
    if isinstance(value, dict):
        [(function, argument)] = value.items()
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::GetAtt":
            return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"
        if function == "Fn::Sub":
            return argument if isinstance(argument, str) else argument[0]
        if function == "Fn::If":
            return text(argument[1])
        return json.dumps(value)
    return str(value)


def unconditional(statement: dict) -> dict:
    """A statement of a policy; of `Fn::If`, the one for a stack with a key of its own."""
    return statement["Fn::If"][1] if "Fn::If" in statement else statement


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]


def glue_tables(resources: dict) -> Iterator[str]:
    for name, table in of_type(resources, "AWS::Glue::Table"):
        storage = table["TableInput"]["StorageDescriptor"]
        parameters = {
            key: text(value) for key, value in table["TableInput"]["Parameters"].items() if key.startswith("proj")
        }
        if parameters != PROJECTION:
            yield f"{name}: the projection must be {PROJECTION}, so that no day is silently invisible"
        if table["TableInput"]["PartitionKeys"][0]["Name"] != "dt":
            yield f"{name}: the projection is of dt"
        if name == "RejectionsTable":
            if (storage["InputFormat"].split(".")[-1], text(storage["Location"])) != (
                "TextInputFormat",
                "s3://${LakeBucket}/rejections/",
            ):
                yield f"{name}: the rejections are lines of text under rejections/; rejected/ is not a table"
            continue
        if not storage["InputFormat"].endswith(".SymlinkTextInputFormat"):
            yield f"{name}: the manifests are symlinks"
        if not text(storage["Location"]).startswith("s3://${LakeBucket}/manifest/"):
            yield f"{name}: the location must be that of the manifests"


def firehose(resources: dict) -> Iterator[str]:
    for name, stream in of_type(resources, "AWS::KinesisFirehose::DeliveryStream"):
        target = stream["ExtendedS3DestinationConfiguration"]
        prefix, errors = target.get("Prefix", ""), target.get("ErrorOutputPrefix", "")
        for key, value in (("Prefix", prefix), ("ErrorOutputPrefix", errors)):
            for namespace, expression in re.findall(r"!\{([^:}]*):?([^}]*)\}", value):
                if namespace == "timestamp" and not TIMESTAMP_PATTERN.fullmatch(expression):
                    yield f"{name}: {key}: {expression} is not a pattern of a time"
            if value.count("!{") != len(re.findall(r"!\{[^{}]*\}", value)):
                yield f"{name}: {key}: an expression is not closed"
        if errors.count("!{firehose:error-output-type}") != 1 or "error-output-type" in prefix:
            yield f"{name}: ErrorOutputPrefix must name the type of error once, and Prefix must not"
        if "!{timestamp:" not in prefix:
            yield f"{name}: without a time in it the prefix gets one appended"
        if target["CompressionFormat"] != "GZIP":
            yield f"{name}: raw objects are gzip"
        if not target["CloudWatchLoggingOptions"]["Enabled"]:
            yield f"{name}: errors must be logged"


def archive(resources: dict) -> Iterator[str]:
    """Original bodies are off by default, apart from everything else, and go when their time is over."""
    bucket = resources["ArchiveBucket"]["Properties"]
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    if rule.get("ExpirationInDays") != {"Fn::If": ["HasArchive", {"Ref": "ArchiveDays"}, 1]} or "Prefix" in rule:
        yield "bodies must expire after ArchiveDays, and within a day once the archive is off"
    if "ArchiveKmsKeyArn" not in json.dumps(bucket["BucketEncryption"]):
        yield "the archive must take a key of its own"
    if "VersioningConfiguration" in bucket:
        yield "a version of a body would outlive the erasure of a person"
    stream = resources["ArchiveStream"]
    if stream.get("Condition") != "HasArchive":
        yield "the archive must be off by default"
    target = stream["Properties"]["ExtendedS3DestinationConfiguration"]
    if text(target["BucketARN"]) != "${ArchiveBucket.Arn}" or not target["Prefix"].startswith("archive/"):
        yield "bodies belong under archive/ of their own bucket"
    variables = resources["IngestFunction"]["Properties"]["Environment"]["Variables"]
    expected = {
        "ARCHIVE_URL": "firehose://${ArchiveStream}",
        "ARCHIVE_SPILL_URL": "s3://${ArchiveBucket}/archive/spill",
    }
    for name, url in expected.items():
        if variables.get(name) != {"Fn::If": ["HasArchive", {"Fn::Sub": url}, ""]}:
            yield f"{name} must be {url}, and empty by default"
    readers = [
        name
        for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
        for name, item in of_type(resources, kind)
        if "ArchiveBucket" in json.dumps(item)
    ]
    # Ingest may only add objects: tests/aws/test_iam.py.
    if sorted(readers) != ["ArchiveRole", "IngestRole"]:
        yield f"only Firehose and ingest may reach the archive, not {readers}"


def replication(resources: dict) -> Iterator[str]:
    """The replica is off by default, loses erased people as the lake does, and its role reads nothing but the lake."""
    configuration = resources["LakeBucket"]["Properties"].get("ReplicationConfiguration", {}).get("Fn::If")
    if configuration is None or configuration[0] != "HasReplica" or configuration[2] != {"Ref": "AWS::NoValue"}:
        yield "the lake must be replicated with ReplicaBucketArn, and only then"
        return
    [rule] = configuration[1]["Rules"]
    if rule["Status"] != "Enabled" or rule["Filter"] != {"Prefix": ""}:
        yield "the whole lake must be replicated"
    if rule["DeleteMarkerReplication"] != {"Status": "Enabled"}:
        yield "parts with rows of erased people would stay in the replica"
    if rule["Destination"].get("ReplicationTime", {}).get("Status") != "Enabled":
        yield "without Replication Time Control there is no recovery point"
    schedule = resources["SweepFunction"]["Properties"]["Events"]["Hourly"]["Properties"]
    if schedule.get("State") != {"Fn::If": ["IsStandby", "DISABLED", "ENABLED"]}:
        yield "the sweep of a standby would delete files whose manifest is still on its way"
    role = resources["ReplicationRole"]
    if role.get("Condition") != "HasReplica":
        yield "ReplicationRole: exists with a replica only"
    lake = text(resources["LakeBucket"]["Properties"]["BucketName"])
    places = {
        text(place)
        for statement in map(unconditional, role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"])
        for place in as_list(statement["Resource"])
    }
    arn = f"arn:${{AWS::Partition}}:s3:::{lake}"
    expected = {arn, f"{arn}/*", "${ReplicaBucketArn}/*", "${KmsKeyArn}", "${ReplicaKmsKeyArn}"}
    if places != expected:
        yield f"ReplicationRole: may reach {sorted(places)}, not {sorted(expected)}"


def notified_prefix(resources: dict) -> str:
    configuration = resources["RawBucket"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    [rule] = configuration[0]["Filter"]["S3Key"]["Rules"]
    return rule["Value"]


def notifications(resources: dict) -> Iterator[str]:
    prefix = notified_prefix(resources)
    target = resources["DeliveryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
    if not target.get("Prefix", "").startswith(prefix):
        yield "objects of Firehose start no notification"
    if target.get("ErrorOutputPrefix", "").startswith(prefix):
        yield "Firehose's errors would be transformed"
    spill = text(resources["IngestFunction"]["Properties"]["Environment"]["Variables"]["SPILL_URL"])
    if not spill.startswith(f"s3://${{RawBucket}}/{prefix}"):
        yield "spilled objects start no notification"


def queues(resources: dict) -> Iterator[str]:
    queue = resources["Queue"]["Properties"]
    function = resources["TransformFunction"]["Properties"]
    source = function["Events"]["RawObjects"]["Properties"]
    if queue["VisibilityTimeout"] < 6 * function["Timeout"] + source["MaximumBatchingWindowInSeconds"]:
        yield "the visibility timeout must be six times the function's, and the batching window"
    if queue["RedrivePolicy"]["maxReceiveCount"] < 5:
        yield "a raw object must be tried five times"
    if queue["MessageRetentionPeriod"] < 12 * 86_400:
        yield "the queue must bridge an outage of the transform of 12 days"
    dead = resources["DeadLetterQueue"]["Properties"]
    sources = [text(arn) for arn in dead.get("RedriveAllowPolicy", {}).get("sourceQueueArns", [])]
    if len(sources) != 1 or not sources[0].endswith(":" + text(queue["QueueName"])):
        yield "only the queue of raw objects may move messages to the dead-letter queue"
    if resources["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"] <= queue["MessageRetentionPeriod"]:
        yield "the dead-letter queue must keep messages longer than the queue"
    if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "without ReportBatchItemFailures failed messages are deleted"
    if text(source["ScalingConfig"]["MaximumConcurrency"]) != text(function["ReservedConcurrentExecutions"]):
        yield "the event source must not call more often than the function's concurrency allows"


def denies(statements: list[dict], action: str, resource: str, context: dict[str, str]) -> bool:
    """Whether the statements of a bucket policy deny an action; supports only the operators that the template uses."""

    def holds(operator: str, key: str, value: object) -> bool:
        wanted = str(value).lower()
        if operator == "Null":
            return (key not in context) == (wanted == "true")
        if operator == "Bool":
            return context.get(key, "").lower() == wanted
        raise AssertionError(f"unknown operator {operator}")

    return any(
        statement["Effect"] == "Deny"
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in as_list(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, text(pattern)) for pattern in as_list(statement["Resource"]))
        and all(
            holds(operator, key, value)
            for operator, keys in statement.get("Condition", {}).items()
            for key, value in keys.items()
        )
        for statement in statements
    )


def buckets(resources: dict) -> Iterator[str]:
    policies = {
        text(policy["Bucket"]): policy["PolicyDocument"]["Statement"]
        for _, policy in of_type(resources, "AWS::S3::BucketPolicy")
    }
    tls = {"aws:SecureTransport": "true"}
    for name, bucket in of_type(resources, "AWS::S3::Bucket"):
        statements = policies.get(f"${{{name}}}", [])
        if not denies(statements, "s3:GetObject", f"${{{name}.Arn}}/key", {"aws:SecureTransport": "false"}):
            yield f"{name}: answers without TLS"
        if denies(statements, "s3:GetObject", f"${{{name}.Arn}}/key", tls):
            yield f"{name}: refuses every request"
        if (
            not all(bucket["PublicAccessBlockConfiguration"].values())
            or len(bucket["PublicAccessBlockConfiguration"]) != 4
        ):
            yield f"{name}: could be made public"
        if "BucketEncryption" not in bucket:
            yield f"{name}: declares no encryption"
        if (
            resources[name].get("DeletionPolicy") != "RetainExceptOnCreate"
            or resources[name].get("UpdateReplacePolicy") != "Retain"
        ):
            yield f"{name}: must outlive the stack, and must not outlive a creation that failed"
        rules = bucket["LifecycleConfiguration"]["Rules"]
        if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
            yield f"{name}: unfinished uploads would be kept for ever"
        expires = any("ExpirationInDays" in rule and rule.get("Prefix") in (None, "raw/") for rule in rules)
        if expires == (name == "LakeBucket"):
            yield f"{name}: only the lake is kept for ever"
    lake = resources["LakeBucket"]["Properties"]
    if lake.get("VersioningConfiguration", {}).get("Status") != "Enabled":
        yield "the lake must be versioned"
    if not any("NoncurrentVersionExpiration" in rule for rule in lake["LifecycleConfiguration"]["Rules"]):
        yield "old versions would be kept for ever"
    statements = policies["${LakeBucket}"]
    manifest, part = (
        "${LakeBucket.Arn}/manifest/clicks/dt=2026-01-01/symlink.txt",
        "${LakeBucket.Arn}/data/clicks/a.parquet",
    )
    if not denies(statements, "s3:PutObject", manifest, tls):
        yield "a manifest could be overwritten unconditionally"
    for condition in ("s3:if-match", "s3:if-none-match"):
        if denies(statements, "s3:PutObject", manifest, {**tls, condition: "value"}):
            yield f"a manifest could not be written with {condition}"
    if denies(statements, "s3:PutObject", part, tls):
        yield "parts could not be written"


def functions(resources: dict) -> Iterator[str]:
    roles = []
    for name, function in of_type(resources, "AWS::Serverless::Function"):
        roles.append(text(function["Role"]))
        logging = function["LoggingConfig"]
        group = resources[logging["LogGroup"]["Ref"]]["Properties"]
        if logging["LogFormat"] != "JSON" or "RetentionInDays" not in group:
            yield f"{name}: logs must be JSON and must expire"
        if logging["ApplicationLogLevel"] != {"Ref": "LogLevel"}:
            yield f"{name}: above INFO the metrics are dropped, so the level must be the parameter LogLevel"
        if "ReservedConcurrentExecutions" not in function:
            yield f"{name}: must reserve its concurrency"
        for variable in function["Environment"]["Variables"]:
            if SECRET_NAMES.search(variable) and variable != "SECRETS_ID":
                yield f"{name}: {variable} looks like a secret in a variable"
        if function["CodeUri"] != "..":
            yield f"{name}: cargo-lambda writes binaries at the root of the workspace"
        build = resources[name]["Metadata"]
        if build["BuildMethod"] != "rust-cargolambda" or "Binary" not in build["BuildProperties"]:
            yield f"{name}: the build must name its binary"
        if "--locked" not in build["BuildProperties"].get("cargo_lambda_flags", []):
            yield f"{name}: the build must keep to Cargo.lock"
    if len(roles) != len(set(roles)):
        yield "each function needs a role of its own"


def roles(resources: dict) -> Iterator[str]:
    for name, role in of_type(resources, "AWS::IAM::Role"):
        if "ManagedPolicyArns" in role:
            yield f"{name}: managed policies allow more than is needed"
        if "HasBoundary" not in json.dumps(role.get("PermissionsBoundary")):
            yield f"{name}: must take the permissions boundary"
        for policy in role["Policies"]:
            for statement in map(unconditional, policy["PolicyDocument"]["Statement"]):
                if any("*" in action for action in as_list(statement["Action"])):
                    yield f"{name}: {statement['Sid']}: actions must be named one by one"
                if any(text(resource) == "*" for resource in as_list(statement["Resource"])):
                    yield f"{name}: {statement['Sid']}: resources must be named"


def http_api(resources: dict) -> Iterator[str]:
    stage = resources["HttpApiStage"]["Properties"]
    if not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= stage["DefaultRouteSettings"].keys():
        yield "a public endpoint needs a throttle"
    line = stage["AccessLogSettings"]["Format"]
    if not set(re.findall(r"\$([a-z]+)", line)) <= {"context"} or re.search(r"\$context\.(path\b|authorizer)", line):
        yield "the access log must hold neither query, nor headers, nor paths"
    try:
        json.loads(line)
    except ValueError:
        yield "the access log's lines must be JSON"


# Watched by alarms only.
NOT_SHOWN = ("DeliveryToS3.Success", "NotConserved", "ObjectsFailed", "NotArchived", "OperationsFailedReplication")


def dashboard(resources: dict) -> Iterator[str]:
    body = re.sub(r"\$\{([\w:.]+)\}", r"\1", text(resources["Dashboard"]["Properties"]["DashboardBody"]))
    try:
        widgets = json.loads(body)["widgets"]
    except ValueError:
        yield "the dashboard must be JSON"
        return
    shown = json.dumps(widgets)
    for _, metric in sorted(WATCHED):
        if metric not in shown and metric not in NOT_SHOWN:
            yield f"the dashboard does not show {metric}"


# What METRICS_NAMESPACE says, too: each stack's own.
NAMESPACE = "Bluetick/${AWS::StackName}"

# The dimensions of the metrics that crates/ingest and crates/transform write.
DIMENSIONS = [[{"Name": "Function", "Value": function}] for function in ("ingest", "transform", "sweep")]
# Metrics that a metric filter of the template writes, without dimensions.
FILTERED = "AWS::Logs::MetricFilter"


def bluetick_metrics(alarm: dict) -> list[dict]:
    metrics = (
        [alarm]
        if "MetricName" in alarm
        else [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]
    )
    return [metric for metric in metrics if text(metric["Namespace"]) == NAMESPACE]


def alarms(resources: dict) -> Iterator[str]:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "crates").glob("*/src/**/*.rs")))
    for name, function in of_type(resources, "AWS::Serverless::Function"):
        if text(function["Environment"]["Variables"].get("METRICS_NAMESPACE", "")) != NAMESPACE:
            yield f"{name}: its metrics must be in the namespace that the alarms watch"
    filtered = {
        change["MetricName"] for _, item in of_type(resources, FILTERED) for change in item["MetricTransformations"]
    }
    watched = set()
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm"):
        ours = bluetick_metrics(alarm)
        watched.update((text(item["Namespace"]), item["MetricName"]) for item in ours or [alarm])
        for metric in (item["MetricName"] for item in ours):
            if metric not in filtered and f'"{metric}"' not in source:
                yield f"{name}: no code writes {metric}"
        for metric, dimensions in ((item["MetricName"], item.get("Dimensions", [])) for item in ours):
            # Silence is watched for one provider, too; every other alarm watches the total.
            of_provider = metric == "Accepted" and [item["Name"] for item in dimensions] == ["Provider"]
            if dimensions not in DIMENSIONS and not (metric in filtered and not dimensions) and not of_provider:
                yield f"{name}: the code writes its metrics with other dimensions than {dimensions}"
        if not alarm.get("AlarmActions"):
            yield f"{name}: notifies no topic"
    missing = WATCHED - watched
    if missing:
        yield f"no alarm watches {sorted(missing)}"


WATCHED = {
    ("AWS/Firehose", "DeliveryToS3.DataFreshness"),
    ("AWS/Firehose", "DeliveryToS3.Success"),
    ("AWS/Firehose", "ThrottledRecords"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/ApiGateway", "5xx"),
    (NAMESPACE, "SignatureFailures"),
    (NAMESPACE, "RejectedRequests"),
    (NAMESPACE, "Accepted"),
    (NAMESPACE, "ObjectsFailed"),
    (NAMESPACE, "Rejected"),
    (NAMESPACE, "Spilled"),
    (NAMESPACE, "Refused"),
    (NAMESPACE, "DoubtfulReceipts"),
    (NAMESPACE, "LookupsDeferred"),
    (NAMESPACE, "NotConserved"),
    (NAMESPACE, "PartitionsWithoutManifest"),
    (NAMESPACE, "NotArchived"),
    ("AWS/S3", "OperationsFailedReplication"),
}


def secrets(resources: dict) -> Iterator[str]:
    found = dict(of_type(resources, "AWS::SecretsManager::Secret"))
    operators = found.get("WebhookSecret")
    if operators is None or {"SecretString", "GenerateSecretString"} & operators.keys():
        yield "the operator's secret must have no value in the template: a deployment would overwrite the operator's"
    for name, secret in found.items():
        resource = resources[name]
        if resource.get("DeletionPolicy") != "RetainExceptOnCreate" or resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name}: must outlive the stack, and must not outlive a creation that failed"
        generated = secret.get("GenerateSecretString")
        if generated and (generated["SecretStringTemplate"], generated["GenerateStringKey"]) != (
            "{}",
            "META_VERIFY_TOKENS",
        ):
            yield f"{name}: a changed GenerateSecretString writes a new value: only the verify token may be generated"


def analysts(resources: dict) -> Iterator[str]:
    """AnalystPolicy allows what Athena, its console and its drivers call, and no more of the lake than its tables."""
    [policy] = [item for name, item in of_type(resources, "AWS::IAM::ManagedPolicy") if name == "AnalystPolicy"]
    statements = [item for item in policy["PolicyDocument"]["Statement"] if "Sid" in item]
    allowed = {action for statement in statements for action in as_list(statement["Action"])}
    missing = ATHENA_NEEDS - allowed
    if missing:
        yield f"AnalystPolicy lacks {sorted(missing)}"
    if not any(
        "glue:GetDatabase" in as_list(item["Action"])
        and any("database/default" in text(place) for place in as_list(item["Resource"]))
        for item in statements
    ):
        yield "AnalystPolicy: Athena reads the database `default` with every query"
    for item in statements:
        lake = any("${LakeBucket" in text(place) for place in as_list(item["Resource"]))
        if not lake:
            continue
        if "s3:ListBucket" in as_list(item["Action"]):
            prefixes = item.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ["*"])
            if set(as_list(prefixes)) != {"data/*", "manifest/*", "rejections/*"}:
                yield "AnalystPolicy: analysts may list the prefixes of the tables only"
        elif any(
            forbidden in text(place)
            for place in as_list(item["Resource"])
            for forbidden in ("/erasures", "/rejected", "Arn}/*")
        ):
            yield "AnalystPolicy: analysts may read the prefixes of the tables only"


# The least for a workgroup (docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html), and what the
# console, JDBC and Grafana call.
ATHENA_NEEDS = {
    "athena:BatchGetQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:GetTableMetadata",
    "athena:GetWorkGroup",
    "athena:ListDataCatalogs",
    "athena:ListDatabases",
    "athena:ListEngineVersions",
    "athena:ListQueryExecutions",
    "athena:ListTableMetadata",
    "athena:ListWorkGroups",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
    "s3:GetBucketLocation",
}

RULES = [
    secrets,
    analysts,
    glue_tables,
    firehose,
    archive,
    replication,
    notifications,
    queues,
    buckets,
    functions,
    roles,
    http_api,
    alarms,
    dashboard,
]
