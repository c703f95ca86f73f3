-- Distinct texts of all identity number fields. A declared document kind only goes with the record's own number.
CREATE OR REPLACE TEMP TABLE identity_inputs AS
SELECT r.identity_number AS text, coalesce(list_contains(r.numeric_cells, 'identity_number'), false) AS from_number_cell,
    nullif(k.code, 'unknown') AS declared_kind
FROM raw_records AS r
LEFT JOIN code_map AS k ON k.field = 'identity_kind' AND k.feed = r.feed AND k.text = r.identity_kind
WHERE r.identity_number IS NOT NULL
UNION
SELECT head_identity_number, coalesce(list_contains(numeric_cells, 'head_identity_number'), false), NULL
FROM raw_records WHERE head_identity_number IS NOT NULL
UNION
SELECT mother_identity_number, coalesce(list_contains(numeric_cells, 'mother_identity_number'), false), NULL
FROM raw_records WHERE mother_identity_number IS NOT NULL
UNION
SELECT spouse_identity_number, coalesce(list_contains(numeric_cells, 'spouse_identity_number'), false), NULL
FROM raw_records WHERE spouse_identity_number IS NOT NULL;
