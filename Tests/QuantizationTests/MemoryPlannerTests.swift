import SampleNetworks
import Testing

@testable import Quantization

private func randomBuffers(seed: UInt64) -> [Buffer] {
    var values = SampleValues(seed: seed)
    let steps = Int(values.next(in: 1...40))
    return (0..<Int(values.next(in: 1...60))).map { _ in
        let birth = Int(values.next(in: 0...Float(steps)))
        return Buffer(size: Int(values.next(in: 1...5000)), lifetime: birth...birth + Int(values.next(in: 0...8)))
    }
}

@Test("Buffers that live at the same time never overlap", arguments: 0..<200 as Range<UInt64>)
func buffersNeverOverlap(seed: UInt64) {
    let buffers = randomBuffers(seed: seed)
    let plan = MemoryPlan(buffers, alignment: 64)
    #expect(plan.offsets.allSatisfy { $0 >= 0 && $0 % 64 == 0 })
    for (a, b) in buffers.indices.flatMap({ a in buffers[..<a].indices.map { (a, $0) } })
    where buffers[a].lifetime.overlaps(buffers[b].lifetime) {
        let first = plan.offsets[a]..<plan.offsets[a] + buffers[a].size
        let second = plan.offsets[b]..<plan.offsets[b] + buffers[b].size
        #expect(!first.overlaps(second), "buffers \(a) and \(b)")
    }
    #expect(plan.size >= MemoryPlan.aliveBytes(buffers, alignment: 64).max()!)
    #expect(zip(plan.offsets, buffers).allSatisfy { $0 + $1.size <= plan.size })
}

@Test func buffersThatNeverMeetShareTheirMemory() {
    let chain = (0..<10).map { Buffer(size: 64, lifetime: $0...$0 + 1) }
    #expect(MemoryPlan(chain, alignment: 64).size == 128)
    #expect(MemoryPlan.aliveBytes(chain, alignment: 64).max() == 128)
}

@Test func nothingNeedsNothing() {
    #expect(MemoryPlan([], alignment: 64) == MemoryPlan([], alignment: 4))
    #expect(MemoryPlan([], alignment: 64).size == 0)
}

@Test func aBufferThatCameTooLateIsTakenFirst() {
    // By size, the two of 192 bytes stand at the bottom, which leaves the long-lived one no gap.
    let buffers = [
        Buffer(size: 192, lifetime: 0...1), Buffer(size: 192, lifetime: 3...4), Buffer(size: 128, lifetime: 1...3),
        Buffer(size: 128, lifetime: 2...2), Buffer(size: 64, lifetime: 2...2),
    ]
    #expect(MemoryPlan(buffers, alignment: 64).size == MemoryPlan.aliveBytes(buffers, alignment: 64).max())
}

@Test("Most plans of random buffers are as small as can be")
func mostPlansAreTheSmallest() {
    let best = (0..<50 as Range<UInt64>).count { seed in
        let buffers = randomBuffers(seed: seed)
        return MemoryPlan(buffers, alignment: 64).size == MemoryPlan.aliveBytes(buffers, alignment: 64).max()
    }
    #expect(best >= 40)
}
