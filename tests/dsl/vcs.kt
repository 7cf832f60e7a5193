package jetbrains.buildServer.configs.kotlin.vcs

import jetbrains.buildServer.configs.kotlin.*

open class GitVcsRoot(init: GitVcsRoot.() -> Unit) : VcsRoot() {
    open class AuthMethod {
        class UploadedKey : AuthMethod() {
            var uploadedKey: String? = null
        }
    }

    var url: String? = null
    var branch: String? = null
    var branchSpec: String? = null
    var authMethod: AuthMethod? = null
    fun uploadedKey(init: AuthMethod.UploadedKey.() -> Unit = {}): AuthMethod = AuthMethod.UploadedKey().apply(init)

    init {
        init()
    }
}
