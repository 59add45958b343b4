"""infra/publish_sql.py: views and queries in Athena follow sql/."""

from __future__ import annotations

import pytest

import publish_sql
from athena_double import Athena
from bluetick_sql.statements import Settings, query_files, read_statement, view_files

SETTINGS = Settings(database="marketing", lake="s3://lake", timezone="Asia/Kolkata")


def publish(athena: Athena) -> publish_sql.Published:
    return publish_sql.Publisher(athena, "group", SETTINGS, lambda seconds: None).publish()


def names(athena: Athena) -> set[str]:
    return {query["Name"] for query in athena.named.values()}


def test_views_come_first_in_their_order_then_queries() -> None:
    athena = Athena()
    published = publish(athena)
    views = [publish_sql.view_name(path) for path in view_files()]
    assert list(published.views) == list(athena.views) == views
    assert athena.log[: len(views)] == [f"view {name}" for name in views]
    queries = [read_statement(path) for path in query_files()]
    assert athena.prepared.keys() == {query.name for query in queries if query.parameters}
    assert names(athena) == {query.name for query in queries if not query.parameters} | {publish_sql.RECORD}
    assert all(
        "${" not in item["QueryStatement"] and "marketing." in item["QueryStatement"]
        for item in athena.prepared.values()
    )


def test_publishing_again_changes_nothing() -> None:
    athena = Athena()
    publish(athena)
    before = (dict(athena.views), dict(athena.prepared), {key: dict(query) for key, query in athena.named.items()})
    publish(athena)
    assert (athena.views, athena.prepared, athena.named) == before


def test_what_is_gone_is_dropped_and_what_others_made_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    athena = Athena()
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
    athena = Athena(refuse=publish_sql.view_name(view_files()[1]))
    with pytest.raises(publish_sql.PublishError, match="no such column"):
        publish(athena)
    assert not athena.prepared and not athena.named


def test_the_record_can_be_read_back() -> None:
    published = publish_sql.Published(("a", "b"), ("c",), ())
    assert publish_sql.Published.from_sql(published.to_sql()) == published


def test_many_named_queries_are_read_in_pages() -> None:
    athena = Athena()
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
    athena = Athena()
    with pytest.raises(publish_sql.PublishError, match="with-hyphen"):
        publish(athena)
    assert athena.log == []
