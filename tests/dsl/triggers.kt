package jetbrains.buildServer.configs.kotlin.triggers

import jetbrains.buildServer.configs.kotlin.*

class VcsTrigger {
    var branchFilter: String? = null
}

class ScheduleTrigger {
    open class SchedulingPolicy {
        class Cron : SchedulingPolicy() {
            var minutes: String? = null
            var hours: String? = null
        }
    }

    open class TriggerBuild {
        class Always : TriggerBuild()
    }

    var schedulingPolicy: SchedulingPolicy? = null
    var triggerBuild: TriggerBuild? = null
    var branchFilter: String? = null
    var withPendingChangesOnly: Boolean? = null
    fun cron(init: SchedulingPolicy.Cron.() -> Unit = {}): SchedulingPolicy = SchedulingPolicy.Cron().apply(init)
    fun always(init: TriggerBuild.Always.() -> Unit = {}): TriggerBuild = TriggerBuild.Always().apply(init)
}

class FinishBuildTrigger {
    var buildType: String? = null
    var successfulOnly: Boolean? = null
    var branchFilter: String? = null
}

fun Triggers.vcs(init: VcsTrigger.() -> Unit = {}) = VcsTrigger().let {
    it.init()
    told("trigger", "vcs", it.branchFilter)
}

fun Triggers.schedule(init: ScheduleTrigger.() -> Unit = {}) = ScheduleTrigger().let {
    it.init()
    told("trigger", "schedule", it.branchFilter)
}

fun Triggers.finishBuildTrigger(init: FinishBuildTrigger.() -> Unit = {}) = FinishBuildTrigger().let {
    it.init()
    told("trigger", "finish", it.buildType)
}
