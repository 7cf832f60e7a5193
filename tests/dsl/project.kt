package jetbrains.buildServer.configs.kotlin.projectFeatures

import jetbrains.buildServer.configs.kotlin.*

class BuildReportTab {
    var title: String? = null
    var startPage: String? = null
}

fun ProjectFeatures.buildReportTab(init: BuildReportTab.() -> Unit = {}) = BuildReportTab().let {
    it.init()
    told("tab", it.title, it.startPage)
}
