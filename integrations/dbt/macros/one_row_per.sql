{#- A test of a model: its columns `columns` identify a row. A null is a value of its own. -#}

{% test one_row_per(model, columns) %}
SELECT {{ columns | join(", ") }}, count(*) AS row_count
FROM {{ model }}
GROUP BY {{ columns | join(", ") }}
HAVING count(*) > 1
{% endtest %}
