import ArgumentParser

@main
struct RarebitConvert: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rarebit-convert",
        abstract: "Turns a trained checkpoint into one int8 model file for the rarebit device program.")
}
