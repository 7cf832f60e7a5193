/* Every pushed branch as an app of its own. */
package depl

import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.triggers.finishBuildTrigger
import jetbrains.buildServer.configs.kotlin.triggers.schedule
import jetbrains.buildServer.configs.kotlin.triggers.vcs
import jetbrains.buildServer.configs.kotlin.vcs.GitVcsRoot

/* All branches. The logical name of refs/heads/feature/X-12 is feature/X-12. */
object Branches : GitVcsRoot({
    name = "Branches"
    url = "%depl.repository%"
    branch = "%depl.main%"
    branchSpec = "+:refs/heads/(*)"
    authMethod = uploadedKey {
        uploadedKey = "depl"
    }
})

object Staging : BuildType({
    name = "Deploy staging branch"
    description = "A branch as an app of its own on the staging host, with its own database and URL"
    type = BuildTypeSettings.Type.DEPLOYMENT

    params {
        param("depl.version", "")
        param("env.DEPL_REF", "%teamcity.build.vcs.branch.${Branches.id}%")
        param("teamcity.vcsTrigger.runBuildInNewEmptyBranch", "true")
    }
    ownCode()
    vcs {
        // Files to look at, none to run: what is deployed comes from depl's own mirror.
        root(Branches, "+:. => branch")
    }
    inv("branch.up --app \"\$DEPL_APP\" --branch \"\${DEPL_REF#refs/heads/}\" --unless-skipped")
    triggers {
        vcs {
            branchFilter = "+:*"
        }
    }
    onDeployHost(minutes = 60)
})

object CleanUp : BuildType({
    name = "Branch clean-up"
    description = "Bring up branches that are new or moved, remove those that are gone"
    maxRunningBuilds = 1

    ownCode()
    inv("branch.sync --app \"\$DEPL_APP\"")
    triggers {
        schedule {
            schedulingPolicy = cron {
                minutes = "*/10"
            }
            branchFilter = ""
            triggerBuild = always()
            withPendingChangesOnly = false
        }
        finishBuildTrigger {
            buildType = "${Staging.id}"
            successfulOnly = false
            branchFilter = "+:*"
        }
    }
    onDeployHost(minutes = 120)
})
