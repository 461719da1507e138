"""Overrides of a run that are refused: of which base, what is said, and the override or overrides."""

from __future__ import annotations

SMOKE = "+config/monoimage=smoke"
BASES = {
    "rotnet": ("config=pretrain/monoimage/rotnet_convnet4", SMOKE),
    "probe": ("config=benchmark/monoimage/linear_photo_patches", SMOKE),
    "deepcluster": ("config=pretrain/monoimage/deepcluster_convnet4", SMOKE),
    "gan": ("config=pretrain/monoimage/monogan_cifar", SMOKE),
}
Row = tuple[str, str, tuple[str, ...]]
TRAIN, LR = "config.DATA.TRAIN", "config.OPTIMIZER.param_schedulers.lr"
PROCESSES, WEIGHTS = "config.DISTRIBUTED.NUM_PROC_PER_NODE", "config.MODEL.WEIGHTS_INIT"
HEADS, LOSS = "config.MODEL.HEAD.PARAMS", "config.LOSS.cross_entropy_multiple_output_single_target"
COUNT, RATE, CROSS = "must be a whole number", "must be a number of at least 0", "must be a mapping"


def each(said: str, key: str, *values: str, base: str = "rotnet") -> list[Row]:
    """Return a row for each value of one key."""
    return [(base, said, (f"{key}={value}",)) for value in values]


def torch_loss(said: str, key: str, value: str) -> Row:
    """Return a row with one setting of torch's own cross-entropy."""
    return "rotnet", said, ("config.LOSS.name=CrossEntropyLoss", f"+config.LOSS.CrossEntropyLoss={{{key}: {value}}}")


def schedule(said: str, **settings: str) -> Row:
    """Return a row with a whole schedule of the learning rate."""
    return "rotnet", said, tuple(f"{LR}.{key}={value}" for key, value in settings.items())


ROWS: list[Row] = [
    *each(f"{COUNT} of at least 1", f"{TRAIN}.BATCHSIZE_PER_REPLICA", "0", "-4", "four", "null", "[4]", "4.5", "true"),
    *each("must be a list of mappings", f"{TRAIN}.TRANSFORMS", "null", "ToTensor", "3", "[3]", "[[{name: ToTensor}]]"),
    *each("must be a list of mappings", "config.DATA.TEST.TRANSFORMS", "null"),
    *each("unknown transform", f"{TRAIN}.TRANSFORMS", "[{name: 3}]", "[{}]", "[{name: ToTensr}]"),
    *each("is not what VISSL can run", f"{TRAIN}.TRANSFORMS", "[{name: Resize}]", "[{name: Resize, sise: 3}]"),
    *each("is not what VISSL can run", f"{TRAIN}.TRANSFORMS", "[{name: Normalize, mean: [0.5], std: x}]"),
    *each("is not what VISSL can run", f"{TRAIN}.TRANSFORMS", "[{name: Normalize, mean: [0.5, 0.5], std: [1, 1]}]"),
    *each("is not what VISSL can run", f"{TRAIN}.TRANSFORMS", "[{name: Normalize, mean: [0, 0, 0], std: [0, 0, 0]}]"),
    *each("is not what VISSL can run", f"{TRAIN}.TRANSFORMS", "[{name: RandomGrayscale, p: x}]"),
    *each("size must be at least 1 px", f"{TRAIN}.TRANSFORMS", "[{name: RandomResizedCrop, size: -3}]"),
    *each("must be a list of [name, settings]", HEADS, "null", "3", "mlp", "[[]]", "[[mlp]]", "[[3,{}]]", "[[mlp,3]]"),
    *each("is empty: name the head", HEADS, "[]"),
    *each("is not what VISSL can run", HEADS, "[[mlp,{}]]", "[[mlp,{dims: null}]]", "[[mlp,{dims: [2,x]}]]"),
    *each("is not what VISSL can run", HEADS, "[[mlp,{dms: [2,3]}]]", "[[mlp,{dims: [-8,4]}]]"),
    *each("must be a list of [name, settings]", HEADS, "[[linear_probe,null]]", base="probe"),
    *each("without lists of heads", HEADS, "[[[linear_probe,{num_classes: 10}]]]", base="probe"),
    torch_loss("is not what VISSL can run", "wat", "3"),
    torch_loss("must be a number from 0 to 1", "label_smoothing", "x"),
    torch_loss("must be a number from 0 to 1", "label_smoothing", "7"),
    torch_loss("must be none or mean or sum", "reduction", "wat"),
    *each(CROSS, "config.MONOIMAGE", "null", "3", "word", "true"),
    *each("must be a Mapping", "config.MONOIMAGE.SOURCE", "null", "3"),
    *each("NUM_SAMPLES=", "config.MONOIMAGE.SOURCE.NUM_SAMPLES", "0", "many"),
    *each("must be a name", "config.MONOIMAGE.PROTOCOL", "3", base="probe"),
    *each("'nope'", "config.MONOIMAGE.PROTOCOL", "nope", base="probe"),
    *each("must be true or false", "config.MONOIMAGE.CACHE_FEATURES", "maybe", "1", base="probe"),
    *each("DEEPCLUSTER.K=", "config.MONOIMAGE.DEEPCLUSTER.K", "0", "many", base="deepcluster"),
    *each("discriminator=3 must be", "config.OPTIMIZER.discriminator", "3", base="gan"),
    *each(RATE, "+config.OPTIMIZER.discriminator.param_schedulers.lr.value", "-1", base="gan"),
    *each("must be a mapping with the settings of the loss", "config.LOSS.bigan_loss", "null", base="gan"),
    *each(f"{COUNT} of at least 1", "config.LOG_FREQUENCY", "0", "-1", "null", "often", "1.5"),
    *each(f"{COUNT} of at least 1", "config.TEST_EVERY_NUM_EPOCH", "0", "-1", "null"),
    *each(f"{COUNT} of at least 1", "config.CHECKPOINT.CHECKPOINT_FREQUENCY", "0", "-1", "often"),
    *each(f"{COUNT} of at least -1", "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY", "x", "-2"),
    *each("must be true or false", "config.CHECKPOINT.AUTO_RESUME", "perhaps"),
    *each("must be disk", "config.CHECKPOINT.BACKEND", "s3"),
    *each("is empty: name a folder", "config.CHECKPOINT.DIR", "", "'  '"),
    *each("null is no path", "config.CHECKPOINT.DIR", "null"),
    *each("must be one folder", "config.CHECKPOINT.DIR", "[]", "[a]"),
    *each("cannot be written", "config.CHECKPOINT.DIR", "/proc/nope", "/dev/null/x"),
    *each("must be a mapping with DIR", "config.CHECKPOINT", "null", "out"),
    ("rotnet", "config.LOG_FREQUENCY is missing", ("~config.LOG_FREQUENCY",)),
    *each(f"{COUNT} of at least 1", PROCESSES, "0", "-1", "null", "two", "1.5", "[1]", "true"),
    *each(f"{COUNT} of at least 1", "config.DISTRIBUTED.NUM_NODES", "0"),
    *each("must be gloo or nccl or mpi", "config.DISTRIBUTED.BACKEND", "smoke", "null", "3", "glo"),
    *each("is for GPUs", "config.DISTRIBUTED.BACKEND", "nccl"),
    *each("must be tcp or file or env", "config.DISTRIBUTED.INIT_METHOD", "udp", "null"),
    *each("must be HOST:PORT", "config.DISTRIBUTED.RUN_ID", "nowhere", "'localhost:99999'", "'localhost:22x'"),
    *each("must be a name", "config.DISTRIBUTED.RUN_ID", "null"),
    *each("must be forkserver or fork or spawn", "config.MULTI_PROCESSING_METHOD", "magic", "null"),
    *each(f"{COUNT} of at least 0", "config.DATA.NUM_DATALOADER_WORKERS", "-1", "null", "two", "0.5", "true"),
    *each(RATE, f"{LR}.value", "fast", "nan", "-1", "null", "inf", "true", "[0.1]"),
    *each("must be a mapping with auto_lr_scaling", LR, "null", "0.1"),
    *each("must be epoch or step", f"{LR}.update_interval", "minute"),
    *each("unknown schedule", f"{LR}.name", "cosin"),
    schedule("must be a list of numbers", name="multistep", values="[0.1,x]"),
    schedule("lr is not what VISSL can run", name="multistep", values="[0.1]", milestones="[1]"),
    schedule("must be a list of whole numbers of at least 0", name="multistep", milestones="[one]"),
    schedule("must be a list of whole numbers of at least 0", name="multistep", milestones="[-1]"),
    schedule("must be a list of mappings", name="composite", schedulers="3"),
    schedule("lr is not what VISSL can run", name="composite", schedulers="[]"),
    schedule(RATE, name="composite", schedulers="[{name: constant, value: -1}]"),
    schedule(RATE, name="cosine", start_value="-0.1"),
    *each("must be a whole number of at least 1", f"{LR}.auto_lr_scaling.base_lr_batch_size", "0"),
    *each("must be linear or sqrt", f"{LR}.auto_lr_scaling.scaling_type", "cubic"),
    *each(f"{COUNT} of at least 1", "config.OPTIMIZER.num_epochs", "true", "0", "-3", "null", "ten", "1.5", "inf"),
    *each("must be a number from 0 to 1", "config.OPTIMIZER.momentum", "1.5", "-0.1", "fast", "null"),
    *each("'momentum' in [0, 1)", "config.OPTIMIZER.momentum", "0"),
    *each(RATE, "config.OPTIMIZER.weight_decay", "-1", "none", "nan"),
    *each("must be true or false", "config.OPTIMIZER.nesterov", "maybe"),
    *each("must be a list of names", f"{WEIGHTS}.SKIP_LAYERS", "heads", "[3]"),
    *each("must be one file", f"{WEIGHTS}.PARAMS_FILE", "[a]"),
    *each("true is no path", f"{WEIGHTS}.PARAMS_FILE", "true"),
    *each("no checkpoint at 'nowhere'", f"{WEIGHTS}.PARAMS_FILE", "nowhere"),
    *each("must be apex or pytorch", "config.MODEL.AMP_PARAMS.AMP_TYPE", "magic"),
    *each("must be a number above 0", f"{LOSS}.temperature", "warm", "0", "-1"),
    *each("must be none or mean or sum", f"{LOSS}.reduction", "median"),
    *each("list of whole numbers of at least 1", "config.METERS.accuracy_list_meter.topk_values", "3", "[0]", "[one]"),
    *each("has 4 outputs", "config.METERS.accuracy_list_meter.topk_values", "[9]"),
    *each(CROSS, "config.DATA", "null"),
    *each(CROSS, "config.MODEL", "null"),
    *each(CROSS, "config.DATA.TEST", "3"),
    *each("must be standard or sample_index or zero", f"{TRAIN}.LABEL_TYPE", "odd"),
    *each("unknown engine", "engine_name", "trane", "null"),
    *each("must be the number of this machine", "node_id", "x"),
    *each("must be the name of a YAML", "config", "3"),
]
"""The commands that hold them are `monoimage run BASE... ROW... config.CHECKPOINT.DIR=out`."""
