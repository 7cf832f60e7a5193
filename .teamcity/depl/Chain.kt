/* From the main branch to all users: a version goes from one build to the next as a parameter. */
package depl

import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.triggers.vcs

object Build : BuildType({
    name = "Build"
    description = "The next version, from the main branch: an image in the registry"

    params {
        param("depl.version", "")
        param("env.DEPL_COMMIT", "%build.vcs.number%")
    }
    vcs {
        root(Branches)
        branchFilter = "+:<default>"
        checkoutMode = CheckoutMode.ON_AGENT
    }
    inv("build --app \"\$DEPL_APP\" --ref \"\$DEPL_COMMIT\"")
    triggers {
        vcs {
            branchFilter = "+:<default>"
        }
    }
    onDeployHost(minutes = 60)
})

object Install : BuildType({
    name = "Install"
    description = "The version on all hosts, at a URL of its own, without traffic"
    type = BuildTypeSettings.Type.DEPLOYMENT

    versionOf(Build)
    ownCode()
    inv("install --app \"\$DEPL_APP\" --version \"\$DEPL_VERSION\"")
    onDeployHost(minutes = 30)
})

object Canary : BuildType({
    name = "Canary"
    description = "Give the version more and more of the users by its own verdict, then all, or put it back"
    type = BuildTypeSettings.Type.DEPLOYMENT
    artifactRules = COMPARISON

    versionOf(Install)
    params {
        text("env.DEPL_PERCENT", "1,5,25,100", label = "Steps", description = "Per cent of the users",
            display = ParameterDisplay.PROMPT, regex = "[0-9]+(\\.[0-9])?(,[0-9]+(\\.[0-9])?)*",
            validationMessage = "numbers with commas between, such as 1,5,25,100")
    }
    ownCode()
    inv("canary --app \"\$DEPL_APP\" --version \"\$DEPL_VERSION\" --percent \"\$DEPL_PERCENT\" --auto")
    inv("compare --app \"\$DEPL_APP\" --html $COMPARISON", always = true)
    oneAtATime()
    noRequestLost()
    onDeployHost(minutes = 24 * 60)
})

object Promote : BuildType({
    name = "Promote"
    description = "Send all traffic to the version, on all hosts or on none"
    type = BuildTypeSettings.Type.DEPLOYMENT

    versionOf(Install)
    ownCode()
    inv("promote --app \"\$DEPL_APP\" --version \"\$DEPL_VERSION\"")
    oneAtATime()
    noRequestLost()
    onDeployHost(minutes = 30)
})

/* Without the lock of the others: a way back must not wait until a canary's build has ended. */
object Rollback : BuildType({
    name = "Rollback"
    description = "Send traffic back to what was live before, or to a version"
    type = BuildTypeSettings.Type.DEPLOYMENT
    maxRunningBuilds = 1

    params {
        param("depl.version", "")
        text("env.DEPL_VERSION", "", label = "Version", description = "Empty: what was live before",
            display = ParameterDisplay.PROMPT, regex = "([0-9]{4}(\\.[0-9]{2}){4})?",
            validationMessage = "a version such as 2026.11.22.12.05, or nothing")
    }
    ownCode()
    inv("rollback --app \"\$DEPL_APP\" \${DEPL_VERSION:+--version \"\$DEPL_VERSION\"}")
    noRequestLost()
    onDeployHost(minutes = 15)
})
