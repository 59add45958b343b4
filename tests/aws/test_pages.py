"""The commands of README.md, docs/operations.md and docs/migrate.md, typed on an operator's machine as they stand.

Every block of the pages is run by a test below, or listed with the reason why it is not. So is every command inside a
sentence. A new one that is neither makes `test_every_block_is_run_or_listed` or its neighbour fail.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import sqlglot
from samtranslator.yaml_helper import yaml_parse

import local_pipeline
import page_commands
from binaries import ROOT
from conftest import Deployment
from deployed_pipeline import Pipeline
from emulator import REGION, architecture, wait_for
from make_samples import SECRETS
from operator_machine import Machine
from page_commands import run_as_typed
from ports import free_port
from raw_objects import record
from webhooks import webhooks

# Blocks that are no commands.
NO_COMMANDS = {
    "    provider ──POST──▶ API Gateway ──▶ ingest λ ──▶ Kinesis Data Firehose ──▶ s3 raw/ (gzip NDJSON)": "a diagram",
    "posted 63 webhooks, 42 of them different: all answered 200": "output of the demo; tests/test_demo.py compares it",
}
PIPELINE = (
    "aws cloudformation deploy --stack-name bluetick-pipeline --template-file infra/pipeline.yaml "
    "--capabilities CAPABILITY_IAM --parameter-overrides Repository=example/bluetick Branch=main"
)
# Commands that no test on this machine can run as they stand.
NOT_RUN = {
    "make demo     # build, post sample webhooks, move them into a lake, print CTR and the funnel": (
        "`make demo` is run by tests/test_demo.py; `make test` would run itself"
    ),
    "aws sqs start-message-move-task --source-arn <DeadLetterQueueArn>": (
        "needs a live account: the emulator has no StartMessageMoveTask"
    ),
    PIPELINE: "needs a live account: the emulator has no AWS::IAM::OIDCProvider",
}
REJECTED_LINES = "ATHENA_WORKGROUP=bluetick make query ENGINE=athena Q=rejected_lines FROM=2026-11-01 TO=2026-11-20"
# Commands inside sentences: where they are run, or why they are not.
INLINE = {
    "ARCH=x86_64 make deploy": "test_deploy.py, test_make_deploy_builds_the_architecture_that_it_deploys",
    REJECTED_LINES: "test_rejected_lines_are_counted_by_athena",
    "ROLLOUT=Canary10Percent5Minutes make deploy": (
        "needs a live account: the emulator has no CodeDeploy. test_scripts.py checks the template that it deploys"
    ),
    "aws cloudformation create-change-set --change-set-type IMPORT": (
        "needs a live account: the emulator imports no resources. Its further arguments are the account's own"
    ),
    "aws s3 rb --force": "test_the_buckets_of_a_deleted_stack_can_be_deleted",
    "aws s3 rm --recursive": "the block that restores everything",
    "aws s3api delete-object --key data/… --version-id <the marker's>": "test_a_deleted_file_comes_back",
    "aws secretsmanager delete-secret": "test_the_buckets_of_a_deleted_stack_can_be_deleted",
    "bluetick": "the name of the command",
    "bluetick --help": "test_commands_of_sentences",
    "bluetick erase --status --wa-id …": "test_a_person_is_erased",
    "bluetick reflatten": "the block of docs/operations.md",
    "bluetick repair": "test_a_lost_manifest_is_looked_for",
    "bluetick repair --lake s3://<LakeBucketName> --dry-run": "test_a_lost_manifest_is_looked_for",
    "bluetick lookups rebuild": "the crates' own tests rebuild the table; here the stack has none of the restored rows",
    "bluetick replay": "`make replay` runs it",
    "bluetick serve": "the block of README",
    "bluetick sweep": "test_a_person_is_erased",
    "bluetick verify --lake s3://<LakeBucketName>": "the block that moves the lake",
    "cargo install --path crates/cli --locked": "compiles a release; operator_machine.py puts the binary on the PATH",
    "curl <WebhookUrl>/health": "test_health_is_asked_by_curl",
    "make": "the name of the program",
    "make bluetick": "every run of these tests needs it; tests/test_demo.py runs what it builds",
    "make deploy": "the first block of docs/operations.md",
    'make deploy PARAMETERS="ReplicaBucketArn=arn:aws:s3:::<LakeBucketName of the second stack>"': (
        "the emulator's CloudFormation makes no replication. test_restore.py applies the template's rule"
    ),
    'make deploy PARAMETERS="Standby=false"': "the first block deploys parameters so; test_template.py checks this one",
    'make deploy PARAMETERS="Standby=true"': "the first block deploys parameters so; test_template.py checks this one",
    'make deploy PARAMETERS="ArchiveDays=30"': (
        "the first block deploys parameters so; deployment.py deploys this one, and test_archived_bodies.py tests it"
    ),
    "make destroy": "the block of docs/operations.md",
    "make fuzz": "takes a quarter of an hour",
    "make help": "test_commands_of_sentences",
    "make invoke": "tests/test_invoke.py runs the same functions with the same events",
    "make model": "takes a quarter of an hour",
    "make package": "test_a_release_is_deployed_without_a_compiler. `make test-package` compares two real builds",
    "make publish": "test_commands_of_sentences",
    "make report": "the same with dates",
    "make report-screenshots": "needs Chromium",
    "make report FROM=2026-10-05 TO=2026-10-05": "test_commands_of_sentences",
    "make soak": "takes an hour",
    "make test": "would run itself",
    "make test-athena": "downloads Trino",
    "make test-report": "needs Chromium",
    "make test-truth": "takes long",
    "openssl rand -hex 32": "test_commands_of_sentences",
    "sam": "the name of the program",
    "sam deploy --no-execute-changeset": "needs a live account: the emulator executes every change set",
}

RUN: dict[str, str] = {}


def runs(title: str) -> Callable:
    """Says that a test runs the block that starts with this line; the test fails if it did not take its text."""

    def mark(test: Callable) -> Callable:
        RUN[title] = test.__name__

        @functools.wraps(test)
        def checked(*arguments: object, **named: object) -> None:
            test(*arguments, **named)
            assert title in page_commands.TAKEN

        return checked

    return mark


def unclaimed(titles: list[str]) -> list[str]:
    return [title for title in titles if title not in RUN and title not in NO_COMMANDS and title not in NOT_RUN]


def test_every_block_is_run_or_listed() -> None:
    titles = [block.title for block in page_commands.all_blocks()]
    assert len(titles) == len(set(titles)), "two blocks start with the same line: no test can tell them apart"
    assert unclaimed(titles) == [], "a block of the pages that no test runs: write one, or list it with the reason"
    assert {*RUN, *NO_COMMANDS, *NOT_RUN} - set(titles) == set(), "blocks that the pages no longer have"


def test_every_command_of_a_sentence_is_run_or_listed() -> None:
    assert page_commands.all_inline_commands() == set(INLINE)


def test_a_new_block_and_a_new_command_are_noticed() -> None:
    page = "Text.\n\n    aws new-thing\n    and more\n\nThen:\n\n```sh\nmake other\n```\n\nSee `make third A=b`.\n"
    found = list(page_commands.blocks("page", page))
    assert [(block.line, block.text) for block in found] == [(3, "aws new-thing\nand more"), (9, "make other")]
    assert unclaimed([block.title for block in found]) == ["aws new-thing", "make other"]
    assert page_commands.inline_commands(page) == {"make third A=b"}
    with pytest.raises(AssertionError, match="<Unknown>"):
        page_commands.fill("aws <Unknown>", {})


# README.md


@contextmanager
def background(user: Machine, command: str, ready: Callable[[str], bool], **variables: str) -> Iterator[Path]:
    """Runs a command that does not end; waits for it to be ready, and ends it as Ctrl-C does. Gives its log."""
    log = user.home / "background.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["bash", "-euc", f"exec env {command}"],
            cwd=user.project,
            env={**user.environment, **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                return ready(log.read_text())

            wait_for(command, is_ready)
            yield log
        finally:
            # To all of its processes, as a terminal does.
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@runs(
    "SINK_URL=file:///tmp/bluetick-raw META_APP_SECRETS=test-meta-app-secret .venv/bin/cargo-lambda lambda watch "
    "--invoke-address 127.0.0.1 --invoke-port 9000 --ignore-changes"
)
def test_the_functions_are_watched_and_invoked(user: Machine, tmp_path: Path) -> None:
    title = next(title for title in RUN if title.startswith("SINK_URL"))
    port = free_port()
    # Another port and directory than the page's, because this machine may use those.
    text = run_as_typed(title).replace("9000", str(port)).replace("/tmp/bluetick-raw", str(tmp_path))
    watch, invoke = text.splitlines()
    with background(user, watch, lambda log: listens(port), http_proxy=""):
        answer = user.shell(invoke, http_proxy="")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["statusCode"] == 200
    lines = [
        json.loads(line) for path in tmp_path.rglob("*.gz") for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    assert [line["kind"] for line in lines] == ["quick_reply"]


@runs("bluetick flatten --provider meta --explain events/bodies/meta_quick_reply.json")
def test_a_body_is_flattened_and_webhooks_are_served(user: Machine, tmp_path: Path) -> None:
    text = run_as_typed("bluetick flatten --provider meta --explain events/bodies/meta_quick_reply.json")
    flatten, serve = text.replace("/var/lib/bluetick", str(tmp_path)).splitlines()
    explained = user.shell(flatten)
    assert explained.returncode == 0
    assert re.search(r"button_text\b.*\$\.entry\[0\]", explained.stdout)
    listening = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
    # Without its own port two runs on one machine could not go on side by side.
    serve = f"{serve} --listen 127.0.0.1:0"
    with background(user, serve, lambda log: listening.search(log) is not None, **SECRETS) as log:
        match = listening.search(log.read_text())
        assert match
        sample = local_pipeline.all_samples()[0]
        assert local_pipeline.post_sample(int(match[1]), sample) == 200
    # The command moves what it has received before it ends.
    assert list((tmp_path / "lake" / "data").rglob("*.parquet"))


@pytest.fixture(scope="session")
def demo(user: Machine) -> Path:
    """The lake of `make demo`, in the checkout."""
    place = user.project / ".demo"
    with local_pipeline.server(place / "raw") as port:
        assert {local_pipeline.post_sample(port, sample) for sample in local_pipeline.all_samples()} == {200}
    local_pipeline.run(place / "raw", place / "lake")
    return place / "lake"


@runs("make query Q=ctr_by_template FROM=2026-10-05 TO=2026-10-05 TZ=Europe/Berlin FORMAT=csv")
def test_a_query_is_asked(user: Machine, demo: Path) -> None:
    answer = user.shell(
        run_as_typed("make query Q=ctr_by_template FROM=2026-10-05 TO=2026-10-05 TZ=Europe/Berlin FORMAT=csv")
    )
    assert answer.returncode == 0, answer.stderr
    # README's own table.
    assert re.search(r"^order_update,4,3,2,.*,0\.6666", answer.stdout, flags=re.M), answer.stdout


OWN_SQL = 'make query SQL="SELECT kind, count(*) AS clicks FROM clicks GROUP BY kind"'


@runs(OWN_SQL)
def test_own_sql_is_asked(user: Machine, demo: Path) -> None:
    text, file, shell = run_as_typed(OWN_SQL).splitlines()
    asked = user.shell(text)
    assert asked.returncode == 0, asked.stderr
    assert "quick_reply" in asked.stdout
    # A file that takes the days of LAST, as the project's own queries do.
    shutil.copy(ROOT / "sql" / "queries" / "clicks_daily.sql", user.project / "own.sql")
    written = user.shell(file)
    assert written.returncode == 0, written.stderr
    assert (user.project / "answer.parquet").stat().st_size > 0
    # The shell ends with its input.
    opened = user.shell(f"{shell} </dev/null")
    assert opened.returncode == 0, opened.stderr


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("bluetick --help", "erase"),
        ("make help", "make deploy"),
        ("make report FROM=2026-10-05 TO=2026-10-05", r"\.html"),
        ("openssl rand -hex 32", r"^[0-9a-f]{64}$"),
    ],
)
def test_commands_of_sentences(user: Machine, demo: Path, command: str, expected: str) -> None:
    answer = user.shell(command)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(expected, answer.stdout), answer.stdout


# docs/migrate.md

IMPORT = "bluetick import --from woosh-status-events status_events.csv --lake file:///var/lib/bluetick/lake"
OLD_COUNT = (
    "SELECT CAST(event_ts AS date) AS day, status, COUNT(DISTINCT wa_id) AS messages FROM router.status_events "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)
NEW_COUNT = (
    "SELECT dt AS day, status, COUNT(DISTINCT message_id) AS messages FROM statuses WHERE provider = 'woosh' "
    "GROUP BY dt, status ORDER BY dt, status"
)


@runs(IMPORT)
@runs(OLD_COUNT)
@runs(NEW_COUNT)
def test_an_export_is_imported_and_both_systems_are_compared(user: Machine, tmp_path: Path) -> None:
    export = tmp_path / "status_events.csv"
    lines = [
        f"wamid.{number % 40},{('sent', 'read')[number % 2]},2026-09-{1 + number % 3:02} 10:00:00"
        for number in range(90)
    ]
    export.write_text("\n".join(["wa_id,status,event_ts", *lines, *lines[:9]]))
    done = user.shell(run_as_typed(IMPORT).replace("/var/lib/bluetick", str(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as database:
        database.execute("SET timezone = 'UTC'")
        database.execute("CREATE SCHEMA router")
        database.execute(f"CREATE VIEW router.status_events AS SELECT * FROM read_csv('{export}')")
        create_view(database, "statuses", tmp_path / "lake")
        before = database.execute(run_as_typed(OLD_COUNT)).fetchall()
        after = database.execute(run_as_typed(NEW_COUNT)).fetchall()
    assert [(str(day), *rest) for day, *rest in before] == after
    assert len(after) == 6


def create_view(database: duckdb.DuckDBPyConnection, table: str, lake: Path) -> None:
    parts = lake / "data" / table / "*" / "*.parquet"
    database.execute(
        f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{parts}', hive_partitioning = true,"
        " hive_types_autocast = false)"
    )


# docs/operations.md


def test_rejected_lines_are_counted_by_athena(user: Machine) -> None:
    assert REJECTED_LINES in page_commands.all_inline_commands()
    athena = user.endpoint.athena
    assert athena
    asked: list[str] = []

    def answer(text: str) -> list[list[str]]:
        asked.append(text)
        return [["day", "reason", "lines"], ["2026-11-20", "wrong_type", "3"]]

    athena.select = answer
    try:
        done = user.shell(REJECTED_LINES, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION)
    finally:
        athena.select = None
    assert done.returncode == 0, done.stderr
    assert re.search(r"2026-11-20.*wrong_type.*3", done.stdout), done.stdout
    assert "rejections" in asked[0]


def values(deployed: Deployment, **more: str) -> dict[str, str]:
    return {**deployed.stack.outputs, **more}


def typed(deployed: Deployment, title: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Types a block into the shell in which the page's first block has been typed."""
    user = deployed.user
    region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    done = user.shell(run_as_typed(title, values(deployed, **more)), **region)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@runs("export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1")
def test_the_stack_is_deployed(deployed: Deployment) -> None:
    """tests/aws/test_deploy.py says what else must be true afterwards."""
    done = deployed.result
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"webhooks: https?://\S+", done.stdout)


def test_health_is_asked_by_curl(deployed: Deployment) -> None:
    command = page_commands.fill("curl <WebhookUrl>/health", values(deployed))
    done = deployed.user.shell(command.replace("curl", "curl --silent --fail", 1).replace("https://", "http://"))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True}), done.stderr


def test_views_and_queries_are_published_again(deployed: Deployment) -> None:
    done = deployed.user.shell("make publish", AWS_REGION=REGION)
    assert done.returncode == 0, done.stderr
    assert re.search(r"published \d+ views and \d+ queries", done.stdout)


@runs("sha256sum --check bluetick-0.1.0-arm64.tar.gz.sha256")
def test_a_release_is_deployed_without_a_compiler(deployed: Deployment, tmp_path: Path) -> None:
    user = deployed.user
    packed = user.shell("make package")
    assert packed.returncode == 0, packed.stderr
    for path in (user.project / "dist").glob("*.tar.gz*"):
        shutil.copy(path, user.project)
    text = run_as_typed("sha256sum --check bluetick-0.1.0-arm64.tar.gz.sha256").replace("arm64", architecture())
    # A compiler that is called fails.
    compiler = tmp_path / "cargo"
    compiler.write_text("#!/bin/sh\necho a release needs no compiler >&2\nexit 1\n")
    compiler.chmod(0o755)
    path = f"{tmp_path}:{user.environment['PATH']}"
    done = user.shell(text, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, PATH=path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "webhooks: " in done.stdout


@runs("cat > secret.json <<'JSON'")
def test_a_secret_is_written(deployed: Deployment) -> None:
    typed(deployed, "cat > secret.json <<'JSON'", **{"app secret": "one", "token": "two"})
    stored = deployed.user.emulator.client("secretsmanager").get_secret_value(
        SecretId=deployed.stack.outputs["SecretArn"]
    )
    assert json.loads(stored["SecretString"]) == {"META_APP_SECRETS": "one", "TRACKER_TOKENS": "two"}
    assert not (deployed.user.project / "secret.json").exists()


@runs(
    "aws secretsmanager get-secret-value --secret-id <SecretArn> --query SecretString --output text > secret.json",
)
def test_a_secret_is_read_before_it_is_changed(deployed: Deployment) -> None:
    deployed.stack.put_secret(SECRETS)
    typed(
        deployed,
        "aws secretsmanager get-secret-value --secret-id <SecretArn> --query SecretString --output text > secret.json",
    )
    assert json.loads((deployed.user.project / "secret.json").read_text()) == SECRETS


@runs("aws secretsmanager get-secret-value --secret-id <VerifyTokenSecretArn> --query SecretString --output text")
def test_the_verify_token_is_read(deployed: Deployment) -> None:
    done = typed(
        deployed,
        "aws secretsmanager get-secret-value --secret-id <VerifyTokenSecretArn> --query SecretString --output text",
    )
    assert len(json.loads(done.stdout)["META_VERIFY_TOKENS"]) >= 32


QUESTION = (
    "SELECT kind, button_text, event_ts FROM clicks WHERE dt = CAST(current_date AS varchar) "
    "ORDER BY event_ts DESC LIMIT 10"
)


@runs(QUESTION)
def test_the_question_to_athena_is_understood(demo: Path) -> None:
    """In DuckDB, with the demo's day as today. tests/athena asks Trino."""
    [text] = sqlglot.transpile(run_as_typed(QUESTION), read="athena", write="duckdb")
    day = "DATE '2026-10-05'"
    with duckdb.connect() as database:
        database.execute("SET timezone = 'UTC'")
        create_view(database, "clicks", demo)
        assert re.search("current_date", text, flags=re.I)
        rows = database.execute(re.sub("current_date", day, text, flags=re.I)).fetchall()
    assert len(rows) >= 5
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


@pytest.fixture(scope="session")
def raw(deployed: Deployment) -> str:
    """A bucket with raw objects of 20 November 2026. The transform is not told of it: only the replay moves it."""
    s3, name = deployed.stack.s3, "raw-of-november"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    put_raw(deployed, name, "first", range(100))
    return name


def put_raw(deployed: Deployment, bucket: str, name: str, numbers: range) -> None:
    import random

    # 20 November 2026, 12:00 UTC.
    time = 1_795_176_000_000
    lines = []
    for number in numbers:
        line = json.loads(record(number * 20 + 17, 1, random.Random(1)))
        lines.append(
            json.dumps({**line, "event_ts": time + number, "received_at": time + number, "click_id": f"c{number}"})
        )
    body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    deployed.stack.s3.put_object(Bucket=bucket, Key=f"raw/2026/11/20/12/{name}.gz", Body=body)


def rows(deployed: Deployment, bucket: str | None = None) -> Counter[tuple[str, str]]:
    pipeline = Pipeline(deployed.stack, deployed.user.endpoint)
    pipeline.lake = bucket or pipeline.lake
    return pipeline.rows()


@pytest.fixture(scope="session")
def replayed(deployed: Deployment, raw: str) -> subprocess.CompletedProcess[str]:
    return typed(
        deployed,
        "make replay RAW=s3://<RawBucketName>/raw/2026/11/20 LAKE=s3://<LakeBucketName>",
        RawBucketName=raw,
    )


@runs("make replay RAW=s3://<RawBucketName>/raw/2026/11/20 LAKE=s3://<LakeBucketName>")
def test_raw_objects_are_replayed(deployed: Deployment, replayed: subprocess.CompletedProcess[str]) -> None:
    found = rows(deployed)
    assert all(found["clicks", f"c{number}"] == 1 for number in range(100)), replayed.stdout


@runs("bluetick erase --wa-id 491550000000 --lake s3://<LakeBucketName>")
def test_a_person_is_erased(deployed: Deployment, replayed: object) -> None:
    done = typed(
        deployed, "bluetick erase --wa-id 491550000000 --lake s3://<LakeBucketName>", **{"business-scoped id": "US.1"}
    )
    assert done.stdout
    lake = f"--lake s3://{deployed.stack.outputs['LakeBucketName']}"
    variables = {"AWS_REGION": REGION}
    swept = deployed.user.shell(f"bluetick sweep {lake}", **variables)
    assert swept.returncode == 0, swept.stderr
    status = deployed.user.shell(f"bluetick erase --status --wa-id 491550000000 {lake}", **variables)
    assert status.returncode == 0, status.stderr
    assert status.stdout


REFLATTEN = (
    "bluetick reflatten s3://<ArchiveBucketName>/archive --raw s3://<RawBucketName>/raw/reflatten "
    "--lake s3://<LakeBucketName>"
)
ERASE_BODIES = (
    "bluetick erase --wa-id 491550000000 --lake s3://<LakeBucketName> --archive s3://<ArchiveBucketName>/archive"
)


@runs(REFLATTEN)
@runs(ERASE_BODIES)
def test_archived_bodies_become_rows_and_are_erased(deployed: Deployment) -> None:
    stack = deployed.stack
    bodies = [webhook.body.decode() for webhook in webhooks("archived", 2) if webhook.path == "/webhooks/meta"]
    person = '{"object":"whatsapp_business_account","entry":[{"to":"491550000000"}]}'
    received_at = 1_760_000_100_000
    archived = [{"route": "/webhooks/meta", "received_at": received_at, "body": body} for body in (*bodies, person)]
    key, bucket = "archive/2026/11/20/12/bodies.gz", stack.outputs["ArchiveBucketName"]
    text = "".join(f"{json.dumps(line)}\n" for line in archived)
    stack.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(text.encode()))
    typed(deployed, REFLATTEN)
    expected = {row for webhook in webhooks("archived", 2) for row in webhook.rows if webhook.body.decode() in bodies}
    assert expected
    # test_archived_bodies.py waits for the transform, which the emulator does not start here.
    raw, lake = (f"s3://{stack.outputs[name]}" for name in ("RawBucketName", "LakeBucketName"))
    moved = deployed.user.shell(f"bluetick run --raw {raw}/raw/reflatten --lake {lake}", AWS_REGION=REGION)
    assert moved.returncode == 0, moved.stderr
    assert all(rows(deployed)[row] == 1 for row in expected)
    typed(deployed, ERASE_BODIES)
    left = gzip.decompress(stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert [json.loads(line)["body"] for line in left.splitlines()] == bodies


KEY_OF_ERASURES = (
    "arn=$(aws secretsmanager create-secret --name bluetick-erasures --secret-string $(openssl rand -hex 32) "
    "--query ARN --output text)"
)
EXPORTED_KEY = (
    "export ERASURE_KEY=$(aws secretsmanager get-secret-value --secret-id bluetick-erasures --query SecretString "
    "--output text)"
)


@runs(KEY_OF_ERASURES)
@runs(EXPORTED_KEY)
def test_the_key_of_erasures_is_a_secret(deployed: Deployment) -> None:
    """test_erasure_key.py shows that the functions use it. Here the stack must keep its own key for the other tests."""
    client, stack = deployed.user.emulator.client("lambda"), deployed.stack
    region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}

    functions = [stack.resources[name] for name in ("TransformFunction", "SweepFunction")]

    def variables(function: str) -> dict[str, str]:
        return client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    assert [variables(function)["ERASURE_KEY_ID"] for function in functions] == ["", ""]
    done = deployed.user.shell(run_as_typed(KEY_OF_ERASURES), **region)
    assert done.returncode == 0, done.stderr
    [secret] = [
        item["ARN"]
        for item in deployed.user.emulator.client("secretsmanager").list_secrets()["SecretList"]
        if item["Name"] == "bluetick-erasures"
    ]
    assert [variables(function)["ERASURE_KEY_ID"] for function in functions] == [secret, secret]
    printed = deployed.user.shell(f"{run_as_typed(EXPORTED_KEY)}\nprintenv ERASURE_KEY", **region)
    assert re.fullmatch(r"[0-9a-f]{64}\n", printed.stdout), printed.stderr
    for function in functions:
        own = {**variables(function), "ERASURE_KEY_ID": ""}
        client.update_function_configuration(FunctionName=function, Environment={"Variables": own})


@runs("key=manifest/clicks/dt=2026-11-20/symlink.txt")
def test_a_partition_is_restored(deployed: Deployment, raw: str, replayed: object) -> None:
    s3, lake = deployed.stack.s3, deployed.stack.outputs["LakeBucketName"]
    key = "manifest/clicks/dt=2026-11-20/symlink.txt"
    before = rows(deployed)
    version = s3.head_object(Bucket=lake, Key=key)["VersionId"]
    put_raw(deployed, raw, "second", range(100, 150))
    again = deployed.user.shell(f"bluetick replay s3://{raw}/raw --lake s3://{lake}", AWS_REGION=REGION)
    assert again.returncode == 0, again.stderr
    assert sum(rows(deployed).values()) == sum(before.values()) + 50
    done = typed(deployed, "key=manifest/clicks/dt=2026-11-20/symlink.txt", version=version)
    assert rows(deployed) == before
    # The rows came back in a new text, which names none of the old files.
    texts = [
        s3.get_object(Bucket=lake, Key=key, VersionId=item["VersionId"])["Body"].read()
        for item in s3.list_object_versions(Bucket=lake, Prefix=key)["Versions"]
    ]
    assert len(texts) == len(set(texts)) >= 3, done.stdout


def test_a_deleted_file_comes_back(deployed: Deployment, replayed: object) -> None:
    s3, lake = deployed.stack.s3, deployed.stack.outputs["LakeBucketName"]
    before = rows(deployed)
    key = next(item["Key"] for item in s3.list_objects_v2(Bucket=lake, Prefix="data/clicks/dt=2026-11-20")["Contents"])
    s3.delete_object(Bucket=lake, Key=key)
    [marker] = s3.list_object_versions(Bucket=lake, Prefix=key)["DeleteMarkers"]
    command = "aws s3api delete-object --key data/… --version-id <the marker's>"
    assert command in page_commands.all_inline_commands()
    typed_command = command.replace("data/…", key).replace("<the marker's>", marker["VersionId"])
    done = deployed.user.shell(f"{typed_command} --bucket {lake}", AWS_DEFAULT_REGION=REGION)
    assert done.returncode == 0, done.stderr
    assert rows(deployed) == before


def test_a_lost_manifest_is_looked_for(deployed: Deployment, replayed: object) -> None:
    command = "bluetick repair --lake s3://<LakeBucketName> --dry-run"
    done = deployed.user.shell(page_commands.fill(command, values(deployed)), AWS_REGION=REGION)
    assert done.returncode == 0, done.stdout + done.stderr


EVERYTHING = (
    "mapping=$(aws lambda list-event-source-mappings --event-source-arn <QueueArn> --query "
    "'EventSourceMappings[0].UUID' --output text)"
)


@runs(EVERYTHING)
def test_the_lake_is_built_again_from_raw_objects(deployed: Deployment, replayed: object) -> None:
    stack, user = deployed.stack, deployed.user
    stack.put_secret(SECRETS)
    pipeline = Pipeline(stack, user.endpoint)
    pipeline.restart_ingest()
    sent = pipeline.send_all(webhooks("everything", 6))
    assert [answer.status for answer in sent] == [200] * 6
    expected = {row for answer in sent for row in answer.webhook.rows}
    raw_bucket = stack.outputs["RawBucketName"]
    wait_for("the raw objects", lambda: len(pipeline.keys(raw_bucket, "raw/")) >= 6)
    typed(deployed, EVERYTHING)
    found = rows(deployed)
    assert {row: found[row] for row in expected} == dict.fromkeys(expected, 1)
    # What only the lake had is gone: the whole lake comes from this bucket.
    assert found["clicks", "c1"] == 0
    [mapping] = user.emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["State"] in ("Enabled", "Enabling")


MOVE = "aws s3 sync s3://<OldLakeBucketName> s3://<LakeBucketName> --exclude 'manifest/*' --exclude 'sweep/*'"


@runs(MOVE)
def test_the_lake_is_moved(deployed: Deployment, replayed: object) -> None:
    old, new = deployed.stack.outputs["LakeBucketName"], "moved-lake"
    deployed.stack.s3.create_bucket(Bucket=new, CreateBucketConfiguration={"LocationConstraint": REGION})
    typed(deployed, MOVE, OldLakeBucketName=old, LakeBucketName=new)
    assert rows(deployed, new) == rows(deployed, old) != {}


SET_UP_REPLICA = "aws s3 sync s3://<LakeBucketName> s3://<ReplicaBucketName> --exclude 'manifest/*' --exclude 'sweep/*'"
FAIL_OVER = "bluetick manifests rewrite --from s3://<LakeBucketName> --lake s3://<ReplicaBucketName>"


@runs(SET_UP_REPLICA)
@runs(FAIL_OVER)
def test_a_replica_is_made_readable(deployed: Deployment, replayed: object) -> None:
    """test_restore.py replicates by the template's rule."""
    s3, lake, replica = deployed.stack.s3, deployed.stack.outputs["LakeBucketName"], "replica-lake"
    s3.create_bucket(Bucket=replica, CreateBucketConfiguration={"LocationConstraint": REGION})
    typed(deployed, SET_UP_REPLICA, ReplicaBucketName=replica)
    assert rows(deployed, replica) == rows(deployed, lake) != {}
    # What S3 replication does from then on: everything that is written is copied, manifests too.
    for item in s3.list_objects_v2(Bucket=lake)["Contents"]:
        s3.copy_object(Bucket=replica, Key=item["Key"], CopySource=f"{lake}/{item['Key']}")
    typed(deployed, FAIL_OVER, ReplicaBucketName=replica)
    manifest = s3.list_objects_v2(Bucket=replica, Prefix="manifest/")["Contents"][0]["Key"]
    assert f"s3://{replica}/" in s3.get_object(Bucket=replica, Key=manifest)["Body"].read().decode()
    assert rows(deployed, replica) == rows(deployed, lake)


@runs("git pull && make deploy")
def test_the_stack_is_upgraded(deployed: Deployment) -> None:
    user = deployed.user
    identity = "git -c user.name=operator -c user.email=operator@example.com -c init.defaultBranch=main"
    origin = user.home / "origin.git"
    prepared = user.shell(
        f"git init --quiet --initial-branch=main; git add Makefile; {identity} commit --quiet --message first; "
        f"git clone --quiet --bare . {origin}; git remote add origin {origin}; git fetch --quiet; "
        "git branch --quiet --set-upstream-to=origin/main main"
    )
    assert prepared.returncode == 0, prepared.stderr
    done = typed(deployed, "git pull && make deploy")
    assert "webhooks: " in done.stdout
    # Parameters keep their values.
    described = user.emulator.client("cloudformation").describe_stacks(StackName="bluetick")["Stacks"][0]
    kept = {item["ParameterKey"]: item["ParameterValue"] for item in described["Parameters"]}
    assert (kept["TimeZone"], kept["AlarmEmail"]) == ("Asia/Kolkata", "ops@example.com")


def test_the_template_of_the_pipeline_takes_what_the_page_gives_it() -> None:
    template = yaml_parse((ROOT / "infra" / "pipeline.yaml").read_text(encoding="utf-8"))
    given = dict(item.split("=") for item in PIPELINE.split("--parameter-overrides ")[1].split())
    required = {name for name, item in template["Parameters"].items() if "Default" not in item}
    assert required <= given.keys() <= template["Parameters"].keys()
    linted = subprocess.run([shutil.which("cfn-lint") or "cfn-lint", ROOT / "infra" / "pipeline.yaml"], check=False)
    assert linted.returncode == 0


@runs("make destroy")
def test_the_stack_is_destroyed(deployed: Deployment) -> None:
    done = typed(deployed, "make destroy")
    for name in (
        "bluetick-raw",
        "bluetick-archive",
        "bluetick-lake",
        "bluetick-results",
        "WebhookSecret",
        "VerifyTokenSecret",
    ):
        assert name in done.stdout
    client = deployed.user.emulator.client
    buckets = {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}
    assert {f"bluetick-{kind}-123456789012-{REGION}" for kind in ("raw", "archive", "lake", "results")} <= buckets
    stacks = client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
    assert "bluetick" not in {item["StackName"] for item in stacks["StackSummaries"]}
    again = deployed.user.shell("make destroy", AWS_REGION=REGION)
    assert again.returncode != 0
    assert "there is no stack" in again.stderr


def test_the_buckets_of_a_deleted_stack_can_be_deleted(deployed: Deployment) -> None:
    user = deployed.user
    secrets = user.emulator.client("secretsmanager").list_secrets()["SecretList"]
    names = [item["ARN"] for item in secrets]
    assert names
    commands = [
        f"aws s3 rb --force s3://bluetick-{kind}-123456789012-{REGION}" for kind in ("raw", "archive", "results")
    ]
    commands += [f"aws secretsmanager delete-secret --secret-id {name}" for name in names]
    done = user.shell("\n".join(commands), AWS_DEFAULT_REGION=REGION)
    assert done.returncode == 0, done.stderr
