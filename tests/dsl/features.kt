package jetbrains.buildServer.configs.kotlin.buildFeatures

import jetbrains.buildServer.configs.kotlin.*

class SharedResources {
    fun readLock(resource: String) = told("lock", "read", resource)
    fun writeLock(resource: String) = told("lock", "write", resource)
}

fun BuildFeatures.sharedResources(init: SharedResources.() -> Unit = {}) = SharedResources().init()
