{#- The first and the last local day of the counts, as YYYY-MM-DD. Raises an error for anything that is no date. -#}

{% macro first_day() -%}
{{ bluetick_day(var("first_day") or (modules.datetime.date.today() - modules.datetime.timedelta(days=62))) }}
{%- endmacro %}

{% macro last_day() -%}
{{ bluetick_day(var("last_day") or (modules.datetime.date.today() - modules.datetime.timedelta(days=1))) }}
{%- endmacro %}

{% macro bluetick_day(value) -%}
{%- set text = value | string -%}
{%- if not modules.re.fullmatch("\d{4}-\d{2}-\d{2}", text) -%}
  {{ exceptions.raise_compiler_error("first_day and last_day take a date such as 2026-11-20, not " ~ text) }}
{%- endif -%}
{{ text }}
{%- endmacro %}
