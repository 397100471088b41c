import Inference
import ModelFormat
import Platform
import Telemetry

/// `rarebit bench`: times the network back to back. Its time does not depend on what its input holds, so between runs the
/// input stays as the last one left it.
struct Bench {
    private let invocation: Invocation

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    func perform() throws(ProgramError) {
        let loadStart = rb_clock_ns()
        let loaded = try LoadedModel(path: invocation.model)
        let engine = loaded.engine
        let alpha = invocation.alpha ?? engine.model.head.defaultAlpha
        let sampleMemory = try Memory(count: 8 * invocation.runs)
        let layerMemory = try Memory(count: 8 * engine.model.operationCount)
        var samples = LatencySamples(memory: sampleMemory.bytes.bindMemory(to: UInt64.self))
        let layers = layerMemory.bytes.bindMemory(to: UInt64.self)

        setActivity("running the network")
        fillInput(of: engine)
        engine.run(alpha: alpha)
        let firstAnswer = rb_clock_ns() - loadStart
        warmUp(engine, alpha: alpha)
        measure(engine, alpha: alpha, samples: &samples, layers: layers)

        var output = Output()
        fillInput(of: engine)
        let answer = Answer(running: engine, alpha: alpha, top: 1)
        if invocation.isJSON {
            output.writer.append(jsonOf: samples, answer: answer, firstAnswer: firstAnswer)
        } else {
            output.writer.append(summaryOf: samples, answer: answer, firstAnswer: firstAnswer)
        }
        if invocation.showsLayers {
            output.writer.append(layers: layers, runs: samples.count, of: engine.model, asJSON: invocation.isJSON)
        }
        try output.finish()
    }

    /// A fixed pattern, so that the checksums of two machines can be compared.
    private func fillInput(of engine: Engine) {
        var state: UInt32 = 1
        for index in 0..<engine.inputBytes.count {
            state = state &* 1_664_525 &+ 1_013_904_223  // Numerical Recipes' generator
            engine.input[index] = index % 4 == 3 ? 0 : UInt8(state >> 24)
        }
    }

    /// A tenth of the time, so that caches, predictors and the clock are as in steady use.
    private func warmUp(_ engine: Engine, alpha: Float) {
        let deadline = rb_clock_ns() + UInt64(invocation.seconds * 1e8)
        while rb_clock_ns() < deadline && !rb_stop_requested() {
            engine.run(alpha: alpha)
        }
    }

    private func measure(
        _ engine: Engine, alpha: Float, samples: inout LatencySamples, layers: UnsafeMutableBufferPointer<UInt64>
    ) {
        let begin = rb_clock_ns()
        let deadline = begin + UInt64(invocation.seconds * 1e9)
        var start = begin
        repeat {
            if invocation.showsLayers {
                var last = start
                engine.runBackbone { index in
                    let now = rb_clock_ns()
                    layers[index] += now - last
                    last = now
                }
                engine.runHead(alpha: alpha)
            } else {
                engine.run(alpha: alpha)
            }
            let end = rb_clock_ns()
            samples.add(nanoseconds: end - start)
            start = end
        } while samples.count < invocation.runs && start < deadline && !rb_stop_requested()
    }
}
