"""infra/publish_sql.py: views and queries in Athena follow sql/."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

import publish_sql
from athena_double import Athena
from bluetick_sql.statements import Settings, column_comments, query_files, read_statement, view_files

SETTINGS = Settings(database="marketing", lake="s3://lake", timezone="Asia/Kolkata")


@pytest.fixture(autouse=True, scope="module")
def glue() -> Iterator:
    """A Glue with the database of the stack. A published view replaces that of the test before."""
    with mock_aws():
        client = boto3.client("glue", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_database(DatabaseInput={"Name": "marketing"})
        yield client


def double(**options) -> Athena:
    """An Athena that keeps its views in that Glue."""
    return Athena(glue=boto3.client("glue", region_name="eu-west-1"), **options)


def publish(athena: Athena) -> publish_sql.Published:
    return publish_sql.Publisher(athena, athena.glue, "group", SETTINGS, lambda seconds: None).publish()


def names(athena: Athena) -> set[str]:
    return {query["Name"] for query in athena.named.values()}


def test_views_come_first_in_their_order_then_queries() -> None:
    athena = double()
    published = publish(athena)
    views = [publish_sql.view_name(path) for path in view_files()]
    assert list(published.views) == list(athena.views) == views
    assert athena.log[: len(views)] == [f"view {name}" for name in views]
    queries = [read_statement(path) for path in query_files()]
    assert athena.prepared.keys() == {query.name for query in queries if query.parameters}
    assert names(athena) == {query.name for query in queries} | {publish_sql.RECORD}
    assert all(
        "${" not in item["QueryStatement"] and "marketing." in item["QueryStatement"]
        for item in athena.prepared.values()
    )
    assert all("${" not in query["QueryString"] for query in athena.named.values())


def test_columns_of_views_have_comments_in_glue(glue) -> None:
    publish(double())
    for path in view_files():
        table = glue.get_table(DatabaseName="marketing", Name=publish_sql.view_name(path))["Table"]
        written = {column["Name"]: column.get("Comment") for column in table["StorageDescriptor"]["Columns"]}
        assert written == column_comments(read_statement(path))
        assert table["TableType"] == "VIRTUAL_VIEW" and table["ViewOriginalText"].startswith("/* Presto View: ")


def test_a_view_that_glue_does_not_know_is_a_warning(capsys: pytest.CaptureFixture[str], glue) -> None:
    elsewhere = Settings(database="elsewhere", lake="s3://lake")
    published = publish_sql.Publisher(Athena(), glue, "group", elsewhere, lambda seconds: None).publish()
    assert published.named
    assert "the columns of the view calendar have no comments" in capsys.readouterr().err


def test_publishing_again_changes_nothing() -> None:
    athena = double()
    publish(athena)
    before = (dict(athena.views), dict(athena.prepared), {key: dict(query) for key, query in athena.named.items()})
    publish(athena)
    assert (athena.views, athena.prepared, athena.named) == before


def test_what_is_gone_is_dropped_and_what_others_made_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    athena = double()
    publish(athena)
    athena.create_named_query(Name="an_analysts_own", QueryString="SELECT 1", Database="marketing", WorkGroup="group")
    athena.views["an_analysts_own"] = ""
    gone_view, gone_query = view_files()[-1], next(path for path in query_files() if read_statement(path).parameters)
    monkeypatch.setattr(publish_sql, "view_files", lambda: view_files()[:-1])
    monkeypatch.setattr(publish_sql, "query_files", lambda: [path for path in query_files() if path != gone_query])
    athena.log.clear()
    publish(athena)
    assert publish_sql.view_name(gone_view) not in athena.views and gone_query.stem not in athena.prepared
    assert "an_analysts_own" in athena.views and "an_analysts_own" in names(athena)
    # A view is dropped only when all queries are those that no longer read it.
    assert athena.log[-1] == f"drop {publish_sql.view_name(gone_view)}"


def test_a_refused_view_ends_it_with_the_reason_and_leaves_the_queries() -> None:
    athena = double(refuse=publish_sql.view_name(view_files()[1]))
    with pytest.raises(publish_sql.PublishError, match="no such column"):
        publish(athena)
    assert not athena.prepared and not athena.named


def test_the_record_can_be_read_back() -> None:
    published = publish_sql.Published(("a", "b"), ("c",), ())
    assert publish_sql.Published.from_sql(published.to_sql()) == published


def test_many_named_queries_are_read_in_pages() -> None:
    athena = double()
    for number in range(120):
        athena.create_named_query(Name=f"other_{number}", QueryString="", Database="", WorkGroup="group")
    publish(athena)
    publish(athena)
    assert len(athena.named) == len(names(athena))


def test_a_name_that_athena_would_refuse_is_refused_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    wrong = tmp_path / "with-hyphen.sql"
    wrong.write_text("-- Question: which?\nSELECT 1\n")
    monkeypatch.setattr(publish_sql, "query_files", lambda: [wrong])
    athena = double()
    with pytest.raises(publish_sql.PublishError, match="with-hyphen"):
        publish(athena)
    assert athena.log == []
