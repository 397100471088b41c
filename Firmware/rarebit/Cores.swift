import Platform
import Telemetry

/// Keeps the program on the cores it was told to use, or else on the fast ones of the machine.
func settleOnCores(_ invocation: Invocation) throws(ProgramError) {
    var cores = rb_cpus()
    if let given = invocation.cpus {
        cores = given
    } else {
        rb_cpus_allowed(&cores)
        rb_cpus_fastest(("/sys" as StaticString).cString, &cores)
    }
    let status = rb_run_on(&cores)
    guard status == 0 else { throw .cannotPin(status) }
}
