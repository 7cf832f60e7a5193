package jetbrains.buildServer.configs.kotlin.failureConditions

import jetbrains.buildServer.configs.kotlin.*

class BuildFailureOnMetric : Parametrized() {
    enum class MetricUnit { DEFAULT_UNIT, PERCENTS }
    enum class MetricComparison { MORE, LESS, DIFF }

    open class CompareTo {
        class Value : CompareTo()
    }

    var threshold: Int? = null
    var units: MetricUnit? = null
    var comparison: MetricComparison? = null
    var compareTo: CompareTo? = null
    fun value(): CompareTo = CompareTo.Value()
}

fun FailureConditions.failOnMetricChange(init: BuildFailureOnMetric.() -> Unit = {}) = BuildFailureOnMetric().init()
