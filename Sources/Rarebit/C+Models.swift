import Inference
import ModelFormat
import Platform
import RarebitHeader
import Text

/// What a `rarebit_model` holds.
struct OpenModel: ~Copyable {
    let model: Model
    /// nil: the bytes are the caller's.
    let file: ModelFile?
    /// Its only engine has packed the weights and given the file's back.
    var hasGivenWeights = false
}

@_cdecl("rarebit_abi")
public func abi() -> Int32 { Int32(RAREBIT_ABI) }

@_cdecl("rarebit_version")
public func version() -> UnsafePointer<CChar> { CText(rarebitVersion).start }

@_cdecl("rarebit_open")
public func open(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ path: UnsafePointer<CChar>?,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in try open(model, path, trusting: nil) }
}

@_cdecl("rarebit_open_trusted")
public func openTrusted(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ path: UnsafePointer<CChar>?, _ keys: UnsafePointer<CChar>?,
    _ keyBytes: Int, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in try open(model, path, trusting: trustedKeys(keys, keyBytes)) }
}

/// The place of a model to open. What one keeps that is open already would be lost, and its engines use it.
private func vacant(_ model: UnsafeMutablePointer<rarebit_model>?) throws(CallError) -> Place<OpenModel> {
    let place = try Place<OpenModel>(model)
    guard !place.isFilled else { throw .argument(.alreadyOpen) }
    return place
}

private func open(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ path: UnsafePointer<CChar>?, trusting keys: TrustedKeys?
) throws(CallError) {
    let place = try vacant(model)
    guard let path = path.map({ CText($0) }) else { throw .argument(.missing("path")) }
    do throws(OpeningError) {
        let file = try modelFile(at: path, trusting: keys)
        place.fill(with: OpenModel(model: file.model, file: consume file))
    } catch {
        throw .opening(path, error)
    }
}

private func trustedKeys(_ text: UnsafePointer<CChar>?, _ count: Int) throws(CallError) -> TrustedKeys {
    guard let text else { throw .argument(.missing("keys")) }
    guard count >= 0 else { throw .argument(.outOfRange("key_bytes")) }
    do throws(TrustedKeysError) {
        return try TrustedKeys(UnsafeRawBufferPointer(start: text, count: count))
    } catch {
        throw .argument(.keys(error))
    }
}

private func modelFile(at path: CText, trusting keys: TrustedKeys?) throws(OpeningError) -> ModelFile {
    var state = rb_file_state()
    let descriptor = rb_open_regular(path.start, &state)
    guard descriptor >= 0 else { throw .unreadable(status: descriptor) }
    defer { rb_close_input(descriptor) }
    guard let count = Int(exactly: state.count) else { throw .unreadable(status: -RB_EFBIG) }
    return try ModelFile(descriptor: descriptor, count: count, trusting: keys)
}

@_cdecl("rarebit_open_memory")
public func openMemory(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ bytes: UnsafeRawPointer?, _ count: Int,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in try openMemory(model, bytes, count, trusting: nil) }
}

@_cdecl("rarebit_open_memory_trusted")
public func openMemoryTrusted(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ bytes: UnsafeRawPointer?, _ count: Int,
    _ keys: UnsafePointer<CChar>?, _ keyBytes: Int, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in try openMemory(model, bytes, count, trusting: trustedKeys(keys, keyBytes)) }
}

private func openMemory(
    _ model: UnsafeMutablePointer<rarebit_model>?, _ bytes: UnsafeRawPointer?, _ count: Int, trusting keys: TrustedKeys?
) throws(CallError) {
    let place = try vacant(model)
    guard let bytes else { throw .argument(.missing("bytes")) }
    guard Int(bitPattern: bytes) % Layout.alignment == 0 else { throw .argument(.misaligned("bytes")) }
    guard count >= 0 else { throw .argument(.outOfRange("count")) }
    do throws(OpeningError) {
        let verified = try ModelFile.verified(UnsafeRawBufferPointer(start: bytes, count: count), trusting: keys)
        place.fill(with: OpenModel(model: verified, file: nil))
    } catch {
        throw .opening(nil, error)
    }
}

@_cdecl("rarebit_close")
public func close(_ model: UnsafeMutablePointer<rarebit_model>?) {
    _ = call(nil) { () throws(CallError) in try Place<OpenModel>(model).clear() }
}

@_cdecl("rarebit_describe")
public func describe(
    _ model: UnsafePointer<rarebit_model>?, _ description: UnsafeMutablePointer<rarebit_description>?,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let model = try Place(model).filled().pointee.model
        guard let description else { throw .argument(.missing("description")) }
        let (input, head) = (model.input, model.head)
        description.pointee = rarebit_description(
            classes: Int32(head.classes), features: Int32(head.dimensions), width: Int32(input.tensor.width),
            height: Int32(input.tensor.height), operations: Int32(model.operationCount),
            has_adjustment: Int32(head.hasDirections), alpha: head.defaultAlpha, input_scale: input.tensor.scale,
            input_zero_point: Int32(input.tensor.zeroPoint), is_bgr: Int32(input.channelOrder),
            mean: (input.mean.x, input.mean.y, input.mean.z),
            std: (input.standardDeviation.x, input.standardDeviation.y, input.standardDeviation.z),
            checksum: model.checksum)
    }
}

@_cdecl("rarebit_class_name")
public func className(
    _ model: UnsafePointer<rarebit_model>?, _ index: Int32, _ bytes: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    var name = UnsafeRawBufferPointer(start: nil, count: 0)
    _ = call(nil) { () throws(CallError) in
        let model = try Place(model).filled().pointee.model
        if index >= 0 && index < model.head.classes {
            name = model.className(Int(index))
        }
    }
    bytes?.pointee = name.count
    return name.baseAddress?.assumingMemoryBound(to: CChar.self)
}

@_cdecl("rarebit_class_count")
public func classCount(_ model: UnsafePointer<rarebit_model>?, _ index: Int32) -> Int64 {
    var count: Int64 = -1
    _ = call(nil) { () throws(CallError) in
        let model = try Place(model).filled().pointee.model
        if index >= 0 && index < model.head.classes, let stated = model.classCount(Int(index)) {
            count = Int64(stated)
        }
    }
    return count
}

@_cdecl("rarebit_signer")
public func signer(_ model: UnsafePointer<rarebit_model>?, _ bytes: UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar>?
{
    let signer = signature(of: model)?.signer
    bytes?.pointee = signer?.count ?? 0
    return signer?.baseAddress?.assumingMemoryBound(to: CChar.self)
}

@_cdecl("rarebit_signer_key")
public func signerKey(_ model: UnsafePointer<rarebit_model>?) -> UnsafePointer<UInt8>? {
    signature(of: model)?.key.baseAddress?.assumingMemoryBound(to: UInt8.self)
}

private func signature(of model: UnsafePointer<rarebit_model>?) -> ModelSignature? {
    var signature: ModelSignature?
    _ = call(nil) { () throws(CallError) in signature = try Place(model).filled().pointee.model.signature }
    return signature
}
