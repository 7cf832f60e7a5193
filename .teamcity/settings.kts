/*
 * depl in TeamCity: what is built, which branch gets a URL of its own, and what goes live. See docs/teamcity.md.
 *
 * Two rules hold for every step here. Programs get what others wrote (a branch's name, a parameter) as environment
 * variables, "$LIKE_THIS": TeamCity pastes a %parameter% into a script as text, where it could be executed. And what
 * runs on the deploy host is the default branch's `inv`, never a branch's own.
 */

import depl.*
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.projectFeatures.buildReportTab

version = "2025.07"

project {
    description = "Builds, deploys and compares versions of an app; every pushed branch gets a URL of its own"

    params {
        text("env.DEPL_APP", "app1", label = "App", description = "As conf/apps calls it",
            regex = "[a-z][a-z0-9-]*", validationMessage = "small letters, digits and dashes")
        text("env.DEPL_ENVIRONMENT", "production", label = "Environment", description = "A folder of conf/inventory",
            regex = "[A-Za-z0-9_-]+", validationMessage = "the name of a folder")
        text("depl.repository", "git@git.example.com:app1.git", label = "Repository",
            description = "Where branches are pushed to", allowEmpty = false)
        text("depl.main", "refs/heads/main", label = "Main branch", description = "What production is built from",
            regex = "refs/heads/.+", validationMessage = "a full name, such as refs/heads/main")
    }

    vcsRoot(Branches)

    buildType(Build)
    buildType(Install)
    buildType(Canary)
    buildType(Promote)
    buildType(Rollback)
    buildType(Staging)
    buildType(CleanUp)
    buildTypesOrder = arrayListOf(Build, Install, Canary, Promote, Rollback, Staging, CleanUp)

    features {
        feature {
            type = "JetBrains.SharedResources"
            param("name", ONLY_ONE_PROMOTES)
            param("type", "quoted")
            param("quota", "1")
        }
        buildReportTab {
            title = "Comparison"
            startPage = COMPARISON
        }
    }
}
