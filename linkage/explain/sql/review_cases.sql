-- Cases about a person; not the quality sample, which is judged without seeing what the machine decided.
SELECT case_id, kind, records, person_ids, match_weight, reason, reason_en FROM review_cases
WHERE list_contains(person_ids, $id) AND kind <> 'quality_sample' ORDER BY priority DESC, case_id;
