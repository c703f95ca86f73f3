"""What the permissions of config/access.yaml are called on pages."""

PERMISSION_WORDS = {
    "look_up": ("查人查户", "find persons and households"),
    "verify": ("核验（是或否）", "verify: yes or no"),
    "match_call": ("比对记录", "match a record"),
    "explain": ("查看关联依据", "see why records are linked"),
    "review": ("复核", "review"),
    "second_read": ("盲审复核", "blind second reading"),
    "apply_now": ("立即应用裁定", "apply decisions now"),
    "send_back": ("反馈错误数据", "send a wrong value back"),
    "answer_corrections": ("答复校核", "answer corrections"),
    "download": ("下载本部门切片", "download the department's slice"),
    "download_register": ("申请并下载总库", "ask for and download whole releases"),
    "tokens": ("接口令牌", "API tokens"),
    "request_unmasked": ("申请未掩码批量数据", "ask for unmasked bulk data"),
    "grant_unmasked": ("审批未掩码批量数据", "grant unmasked bulk data"),
    "report": ("关联报告与评分", "linkage report and scorecards"),
    "operations": ("运行情况", "operations"),
    "accounts": ("账号管理", "accounts"),
    "grants": ("角色授权", "roles"),
    "audit": ("审计", "audit"),
}
