import ArgumentParser
import Checkpoint
import Foundation
import ModelFormat
import Quantization

struct Sign: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sign a model, for boards that run only what a trusted key has signed.",
        discussion: """
            The signature is of every byte of the file and names the signer. An earlier one gives place to it. The same model and \
            key give the same bytes.
            """)

    @Argument(help: "The model file.")
    var model: String
    @Option(help: ArgumentHelp("The secret key, from rarebit-convert keygen.", valueName: "name.key"))
    var key: String
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The signed model; the model file itself where not given.", valueName: "signed.rbit"))
    var output: String?

    func run() throws {
        if let output {
            try claimOutput(output)
        }
        let key = try SigningKey(secretFile: key)
        let unsigned = try loadModel(model).withModel { [UInt8]($0.bytes) }
        if output == nil {
            try claimOutput(model)
        }
        try replaceFile(output ?? model, with: key.signed(unsigned))
        print("\(output ?? model): signed by \(printable(key.signer)), key \(hexadecimal(key.publicKey))")
    }
}
