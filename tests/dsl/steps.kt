package jetbrains.buildServer.configs.kotlin.buildSteps

import jetbrains.buildServer.configs.kotlin.*

class ScriptBuildStep : BuildStep() {
    var scriptContent: String = ""
}

fun BuildSteps.script(init: ScriptBuildStep.() -> Unit) = ScriptBuildStep().let {
    it.init()
    told("script", it.scriptContent)
}
