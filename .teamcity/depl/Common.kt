/* What configurations have in common. */
package depl

import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildFeatures.sharedResources
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.failureConditions.BuildFailureOnMetric
import jetbrains.buildServer.configs.kotlin.failureConditions.failOnMetricChange

const val ONLY_ONE_PROMOTES = "depl promotes"
const val COMPARISON = "comparison.html"

/* Run `inv` as the agent's user. `words` are a shell's, and all in them that may differ is a quoted variable. */
fun BuildType.inv(words: String, always: Boolean = false) {
    steps {
        script {
            name = "inv ${words.substringBefore(" ")}"
            scriptContent = "exec \"\$DEPL_VENV/bin/inv\" $words"
            if (always) {
                executionMode = BuildStep.ExecutionMode.ALWAYS
            }
        }
    }
}

/* The settings' own repository at its default branch: depl itself, the apps' descriptions and the inventory. */
fun BuildType.ownCode() {
    vcs {
        root(DslContext.settingsRoot)
        checkoutMode = CheckoutMode.ON_AGENT
    }
}

/* Take the version from the build that this one follows in the chain; it can be typed instead. */
fun BuildType.versionOf(before: BuildType) {
    params {
        param("depl.version", "${before.depParamRefs["depl.version"]}")
        text("env.DEPL_VERSION", "%depl.version%", label = "Version", description = "As the build before made it",
            display = ParameterDisplay.PROMPT, allowEmpty = false)
    }
    dependencies {
        snapshot(before) {
            reuseBuilds = ReuseBuilds.SUCCESSFUL
            onDependencyFailure = FailureAction.FAIL_TO_START
            onDependencyCancel = FailureAction.CANCEL
        }
    }
}

fun BuildType.oneAtATime() {
    maxRunningBuilds = 1
    features {
        sharedResources {
            writeLock(ONLY_ONE_PROMOTES)
        }
    }
}

/* A number that depl measures in nginx's logs while it moves traffic. */
fun BuildType.noRequestLost() {
    failureConditions {
        failOnMetricChange {
            param("metricKey", "depl.requestsLost")
            threshold = 0
            units = BuildFailureOnMetric.MetricUnit.DEFAULT_UNIT
            comparison = BuildFailureOnMetric.MetricComparison.MORE
            compareTo = value()
        }
    }
}

/* On an agent that runs there: its conf/buildAgent.properties says env.DEPL_VENV=/opt/depl/venv. */
fun BuildType.onDeployHost(minutes: Int) {
    requirements {
        exists("env.DEPL_VENV")
    }
    failureConditions {
        executionTimeoutMin = minutes
        nonZeroExitCode = true
    }
}
