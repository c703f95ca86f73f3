SELECT verdict, judgement_id FROM verdicts WHERE record_key_l = $left AND record_key_r = $right;
