import KernelCases
import Kernels
import Testing

// One at a time: a check catches the fault signal of the whole process.
@Suite("Convolution kernels", .serialized)
struct ConvolutionTests {
    @Test("A kernel gives the bits of the reference", arguments: (0..<rb_kernel_count()).filter(rb_kernel_available))
    func equalsReference(kernel: Int32) {
        let check = rb_check_kernel(kernel)
        withUnsafeBytes(of: check.failure) { text in
            #expect(check.passed, "\(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))")
        }
        #expect(check.cases >= 1000)
    }
}
