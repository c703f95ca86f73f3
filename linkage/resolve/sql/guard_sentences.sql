-- What a list of guards says, for people. guard_texts(guard, zh, en) holds the sentences of config/match.yaml.
CREATE OR REPLACE TEMP MACRO guards_zh(guards) AS
    (SELECT rtrim(string_agg(rtrim(zh, '。'), '；' ORDER BY guard), '；') FROM guard_texts WHERE list_contains(guards, guard));
CREATE OR REPLACE TEMP MACRO guards_en(guards) AS
    (SELECT string_agg(rtrim(en, '.'), '; ' ORDER BY guard) FROM guard_texts WHERE list_contains(guards, guard));
