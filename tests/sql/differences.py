"""Expressions on which Trino and DuckDB differ silently, or could.

Text of Athena's dialect, values of its `?`, the answer of both.
"""

from __future__ import annotations

from typing import Any

_NULL_FIRST = "(VALUES (CAST(NULL AS bigint), 1), (5, 2)) AS t (a, b)"
_SIX = "(VALUES 10, 20, 30, 40, 50, 60) AS t (x)"

ANSWERS: dict[str, tuple[str, list[str], list[list[Any]]]] = {
    "integer division": ("SELECT 7 / 2, -7 / 2, (168 + 23) / 24", [], [[3, -3, 7]]),
    "division of doubles": ("SELECT CAST(7 AS double) / 2, 7 / 1e3", [], [[3.5, 0.007]]),
    "division by zero is null": (
        "SELECT CAST(1 AS double) / nullif(count(*), 0) FROM (VALUES 1) AS t (x) WHERE x > 1",
        [],
        [[None]],
    ),
    "days added to a date": (
        (
            "SELECT CAST(date_add('day', -1, date('2026-11-01')) AS varchar), CAST(date_add('day', 2, DATE "
            "'2026-02-27') "
            "AS varchar)"
        ),
        [],
        [["2026-10-31", "2026-03-01"]],
    ),
    "local midnight": (
        (
            "SELECT CAST(date(at_timezone(with_timezone(t, 'UTC'), 'Asia/Kolkata')) AS varchar), "
            "hour(at_timezone(with_timezone(t, 'UTC'), 'Asia/Kolkata')),"
            " day_of_week(at_timezone(with_timezone(t, 'UTC'), 'Asia/Kolkata'))"
            " FROM (VALUES TIMESTAMP '2026-11-14 18:29:59.999', TIMESTAMP '2026-11-14 18:30:00.000') AS v (t) ORDER "
            "BY t"
        ),
        [],
        [["2026-11-14", 23, 6], ["2026-11-15", 0, 7]],
    ),
    "clocks going forward and back": (
        (
            "SELECT hour(at_timezone(with_timezone(t, 'UTC'), 'America/New_York')) FROM (VALUES TIMESTAMP '2025-03-09 "
            "06:59:59', TIMESTAMP '2025-03-09 07:00:00',"
            " TIMESTAMP '2025-11-02 05:30:00', TIMESTAMP '2025-11-02 06:30:00') AS v (t) ORDER BY t"
        ),
        [],
        [[1], [3], [1], [1]],
    ),
    "milliseconds between": (
        (
            "SELECT date_diff('millisecond', TIMESTAMP '2026-11-10 23:59:59.900', TIMESTAMP '2026-11-11 "
            "00:00:00.100') / "
            "1e3"
        ),
        [],
        [[0.2]],
    ),
    "milliseconds backwards": (
        "SELECT date_diff('millisecond', TIMESTAMP '2026-11-11 00:00:00.001', TIMESTAMP '2026-11-11 00:00:00.000')",
        [],
        [[-1]],
    ),
    "hours added to a time": (
        "SELECT TIMESTAMP '2026-11-10 12:00:00.001' <= TIMESTAMP '2026-11-07 12:00:00.001' + INTERVAL '72' HOUR",
        [],
        [[True]],
    ),
    "first value is null": (f"SELECT min_by(a, b), max_by(a, b) FROM {_NULL_FIRST}", [], [[None, 5]]),
    "null is the last value": (
        "SELECT max_by(a, b) FROM (VALUES (CAST(NULL AS bigint), 3), (5, 2)) AS t (a, b)",
        [],
        [[None]],
    ),
    "nulls last, up": ("SELECT x FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY x", [], [[1], [2], [None]]),
    "nulls last, down": (
        "SELECT x FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY x DESC NULLS LAST",
        [],
        [[2], [1], [None]],
    ),
    "nulls last in windows": (
        "SELECT x, row_number() OVER (ORDER BY x DESC NULLS LAST) FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY 2",
        [],
        [[2, 1], [1, 2], [None, 3]],
    ),
    "texts sort by their bytes": (
        "SELECT x FROM (VALUES 'b', 'B', 'ä', 'a', '') AS t (x) ORDER BY x",
        [],
        [[""], ["B"], ["a"], ["b"], ["ä"]],
    ),
    "median of an even number": (
        f"SELECT element_at(array_sort(array_agg(x)), CAST((count(*) + 1) / 2 AS integer)) FROM {_SIX}",
        [],
        [[30]],
    ),
    "90th percentile": (
        f"SELECT element_at(array_sort(array_agg(x)), CAST((9 * count(*) + 9) / 10 AS integer)) FROM {_SIX}",
        [],
        [[60]],
    ),
    "percentile of nothing": (
        (
            "SELECT element_at(array_sort(array_agg(x) FILTER (WHERE x > 99)), CAST((count(*) FILTER (WHERE x > 99) + "
            "1) "
            f"/ 2 AS integer)) FROM {_SIX}"
        ),
        [],
        [[None]],
    ),
    "length of a list": (
        (
            "SELECT cardinality(CAST(ARRAY[] AS array(varchar))), cardinality(ARRAY['a', NULL]), "
            "cardinality(CAST(NULL AS "
            "array(varchar)))"
        ),
        [],
        [[0, 2, None]],
    ),
    "first place in a list": ("SELECT array_position(ARRAY['a', 'b', 'a'], 'a')", [], [[1]]),
    "list of nothing": (
        (
            "SELECT coalesce(cardinality(filter(array_agg(x) FILTER (WHERE x > 99), v -> v > 0)), 0) FROM (VALUES 1) "
            "AS t "
            "(x)"
        ),
        [],
        [[0]],
    ),
    "ids from a text": (
        "SELECT contains(split(?, ','), 'a'), contains(split(?, ','), 'a')",
        ["b,a", ""],
        [[True, False]],
    ),
    "an empty filter is none": (
        "SELECT ? IN ('', coalesce(CAST(NULL AS varchar), '')), ? IN ('', 'b'), ? IN ('', 'b')",
        ["", "b", "c"],
        [[True, True, False]],
    ),
    "sum of nothing": (
        "SELECT count(*), sum(x), count(*) FILTER (WHERE x > 0) FROM (VALUES 1) AS t (x) WHERE x > 9",
        [],
        [[0, None, 0]],
    ),
    "groups of null": (
        "SELECT x, count(*) FROM (VALUES 1, NULL, NULL) AS t (x) GROUP BY x ORDER BY x NULLS LAST",
        [],
        [[1, 1], [None, 2]],
    ),
    "null equals null": (
        (
            "SELECT count(*) FROM (VALUES 1, NULL) AS a (x) INNER JOIN (VALUES 1, NULL) AS b (x) ON a.x IS NOT "
            "DISTINCT "
            "FROM b.x"
        ),
        [],
        [[2]],
    ),
    "true of any": (
        "SELECT bool_or(x), bool_or(x) FILTER (WHERE x IS NULL) FROM (VALUES true, false, NULL) AS t (x)",
        [],
        [[True, None]],
    ),
    "days of a sequence": (
        (
            "SELECT day FROM UNNEST(transform(sequence(0, 2), n -> CAST(date_add('day', n, DATE '2026-12-31') AS "
            "varchar))) AS t (day) ORDER BY day"
        ),
        [],
        [["2026-12-31"], ["2027-01-01"], ["2027-01-02"]],
    ),
}
