"""What a login still needs before anything else: the code, a new password, a second factor of its own. In this order."""

from typing import Literal

from linkage.portal.config import Login
from linkage.portal.viewer import Viewer

Step = Literal["code", "password", "enrol"]
ALL_STEPS: tuple[Step, ...] = ("code", "password", "enrol")
# Step -> its page, and why the viewer is sent there.
STEPS: dict[Step, tuple[str, str, str]] = {
    "code": ("/login/code", "请输入动态验证码。", "Give the one-time code first."),
    "password": ("/account/password", "请先修改初始密码。", "Change the first password before anything else."),
    "enrol": (
        "/account/second-factor",
        "您的角色须绑定动态验证码。",
        "Your role needs one-time codes; set them up first.",
    ),
}


def next_step(viewer: Viewer, rules: Login) -> Step | None:
    """The step that this login must take next; None when it is complete. A password cannot be changed without the code where the account
    gives codes: who merely knows the password gets no further."""
    if viewer.token_id is not None:
        return "password" if viewer.must_change_password else None
    if viewer.has_second_factor and not viewer.second_factor:
        return "code"
    if viewer.must_change_password:
        return "password"
    if not viewer.second_factor and set(viewer.role_names) & set(rules.second_factor_roles):
        return "enrol"
    return None
