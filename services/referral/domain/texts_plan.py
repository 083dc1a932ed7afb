"""What people read when a command on a rehabilitation plan, or a closure, is refused."""

from services.shared.kernel.text import BilingualText

PLAN = {
    "TASK_SETTLED": BilingualText(
        zh="任务已完成或已取消：{tasks}", en="the task is done or cancelled already: {tasks}"
    ),
    "TASK_IS_FOLLOW_UP": BilingualText(
        zh="随访须以“登记随访”完成：{tasks}", en="a follow-up is done by recording it: {tasks}"
    ),
    "TASK_NOT_OPEN": BilingualText(
        zh="任务不在待办状态，不能取消：{tasks}", en="the task is not open and cannot be cancelled: {tasks}"
    ),
    "TASK_NOT_MISSED": BilingualText(
        zh="任务未逾期，无须说明：{tasks}", en="the task was not missed: {tasks}"
    ),
    "TASKS_NOT_SETTLED": BilingualText(
        zh="康复任务未了结，不能结案：{tasks}；须完成、取消或说明逾期原因",
        en="the plan has open ends: {tasks}; each task must be done, cancelled, or explained when missed",
    ),
    "STANDING_RUNNING": BilingualText(
        zh="长期就诊计划 {order} 尚未结束，不能结案", en="the standing order {order} is not over"
    ),
    "CHILD_NOT_FOLLOWED_UP": BilingualText(
        zh="下转单 {child} 未闭环，不能结案：{open}",
        en="the loop of the referral back {child} is not closed: {open}",
    ),
}
