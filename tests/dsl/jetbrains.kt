/*
 * Stand-ins for the part of TeamCity's Kotlin DSL that .teamcity/settings.kts uses, written from its public
 * documentation (names, types and defaults of parameters). Types are checked against these; what a server makes of the
 * settings is not. They also write down what was said, as one line for each thing: see `make check-teamcity`.
 */
@file:Suppress("unused", "UNUSED_PARAMETER")

package jetbrains.buildServer.configs.kotlin

class Id(val value: String) {
    override fun toString() = value
}

fun told(kind: String, vararg words: Any?) = println((listOf(kind) + words.map { it.toString() }).joinToString("\t"))

var version: String = ""

object DslContext {
    val settingsRoot: VcsRoot = VcsRoot()
}

open class Parametrized {
    fun param(name: String, value: String) = told("param", name, value)
}

enum class ParameterDisplay { NORMAL, HIDDEN, PROMPT }

class ParametrizedWithType : Parametrized() {
    fun text(
        name: String, value: String, label: String = "", description: String = "",
        display: ParameterDisplay = ParameterDisplay.NORMAL, readOnly: Boolean = false, allowEmpty: Boolean = true
    ) = told("param", name, value)

    fun text(
        name: String, value: String, label: String = "", description: String = "",
        display: ParameterDisplay = ParameterDisplay.NORMAL, readOnly: Boolean = false, regex: String,
        validationMessage: String = ""
    ) {
        require(value.startsWith("%") || Regex(regex).matches(value)) { "$name: '$value' is not $regex" }
        told("param", name, value)
    }
}

open class VcsRoot {
    val id get() = Id(javaClass.simpleName)
    var name: String = ""
}

class ProjectFeature : Parametrized() {
    var id: String? = null
    var type: String = ""
}

class ProjectFeatures {
    fun feature(init: ProjectFeature.() -> Unit) = ProjectFeature().init()
}

class Project {
    var description: String = ""
    var buildTypesOrder: ArrayList<BuildType> = arrayListOf()
    fun params(init: ParametrizedWithType.() -> Unit) = ParametrizedWithType().init()
    fun features(init: ProjectFeatures.() -> Unit) = ProjectFeatures().init()
    fun vcsRoot(root: VcsRoot): VcsRoot = root
    fun buildType(one: BuildType): BuildType = one.also { it.define() }
}

fun project(init: Project.() -> Unit) = Project().init()

enum class CheckoutMode { AUTO, ON_AGENT, ON_SERVER, MANUAL }

class VcsSettings {
    var branchFilter: String = ""
    var checkoutMode: CheckoutMode = CheckoutMode.AUTO
    fun root(root: VcsRoot, vararg rules: String) = told("root", root.id, *rules)
}

open class BuildStep : Parametrized() {
    enum class ExecutionMode { DEFAULT, RUN_ON_SUCCESS, RUN_ON_FAILURE, ALWAYS }
    var name: String = ""
    var executionMode: ExecutionMode = ExecutionMode.DEFAULT
}

class BuildSteps
class Triggers
class BuildFeatures
open class Requirements {
    fun exists(name: String) = told("requires", name)
}

class FailureConditions {
    var executionTimeoutMin: Int = 0
    var nonZeroExitCode: Boolean = true
}

enum class ReuseBuilds { NO, SUCCESSFUL, ANY }
enum class FailureAction { IGNORE, ADD_PROBLEM, FAIL_TO_START, CANCEL }

class SnapshotDependency {
    var reuseBuilds: ReuseBuilds = ReuseBuilds.SUCCESSFUL
    var onDependencyFailure: FailureAction = FailureAction.ADD_PROBLEM
    var onDependencyCancel: FailureAction = FailureAction.ADD_PROBLEM
}

class Dependencies {
    fun snapshot(on: BuildType, init: SnapshotDependency.() -> Unit) {
        told("after", on.id)
        SnapshotDependency().init()
    }
}

class ParameterReference(val text: String) {
    override fun toString() = text
}

class DepParamRefs(private val of: Id) {
    operator fun get(name: String) = ParameterReference("%dep.$of.$name%")
}

open class BuildTypeSettings {
    enum class Type { REGULAR, COMPOSITE, DEPLOYMENT }
    var name: String = ""
    var description: String = ""
    var type: Type = Type.REGULAR
    var artifactRules: String = ""
    var maxRunningBuilds: Int = 0
    val id get() = Id(javaClass.simpleName)
    val depParamRefs get() = DepParamRefs(id)
    fun params(init: ParametrizedWithType.() -> Unit) = ParametrizedWithType().init()
    fun vcs(init: VcsSettings.() -> Unit) = VcsSettings().init()
    fun steps(init: BuildSteps.() -> Unit) = BuildSteps().init()
    fun triggers(init: Triggers.() -> Unit) = Triggers().init()
    fun features(init: BuildFeatures.() -> Unit) = BuildFeatures().init()
    fun requirements(init: Requirements.() -> Unit) = Requirements().init()
    fun dependencies(init: Dependencies.() -> Unit) = Dependencies().init()
    fun failureConditions(init: FailureConditions.() -> Unit) = FailureConditions().init()
}

open class BuildType(private val init: BuildType.() -> Unit) : BuildTypeSettings() {
    fun define() {
        told("configuration", id)
        init()
    }
}
